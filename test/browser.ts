import { chromium, type Browser } from 'playwright-core';
import { findProgram } from './program.ts';

const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const hint =
  'No Chromium was found for the tests of the page. On Debian or Ubuntu: apt-get install chromium. ' +
  'Anywhere else: set CHROMIUM_PATH to Chromium or Chrome.';

/** The path of a Chromium on this machine, if there is one. */
export function findBrowser(): string | undefined {
  return findProgram({ variable: 'CHROMIUM_PATH', usualPaths, hint });
}

/** Without a sandbox, because containers and continuous integration run as root; it sees nothing but our own page. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
