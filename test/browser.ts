import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

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

/**
 * The path of a Chromium on this machine; undefined, with a hint on stderr, where there is none.
 * Where `CI` is set that is an error: there the tests of the page must run.
 */
export function findBrowser(): string | undefined {
  const asked = process.env['CHROMIUM_PATH'];
  const found = (asked === undefined ? usualPaths : [asked]).find(isExecutable);
  if (found !== undefined) return found;
  if (process.env['CI'] !== undefined) throw new Error(hint);
  process.stderr.write(`${hint} They are left out.\n`);
  return undefined;
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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
