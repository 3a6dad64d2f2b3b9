import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { findBrowser, launchBrowser } from '../test/browser.ts';

/** `npm run readme-picture`: the README's picture of the page, taken from the real one with a real run. */
const PICTURE = fileURLToPath(new URL('../.github/playground.png', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

const executable = findBrowser();
if (executable === undefined) process.exit(1);
const folder = await mkdtemp(join(tmpdir(), 'troupe-picture-'));
const main = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
  cwd: folder,
  env: { ...process.env, DISCORD_TOKEN: '', PLAYGROUND_PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
while (!/Open http\S+/.test(output)) {
  const [chunk] = await once(main.stdout, 'data');
  output += String(chunk);
}
main.stdout.resume();
const url = /Open (http\S+)/.exec(output)?.[1] ?? '';

const browser = await launchBrowser(executable);
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
await page.goto(url);
await page.getByRole('button', { name: 'Try /character' }).click();
const form = page.getByRole('form', { name: 'Command character' });
await form.getByLabel(/^prompt/).fill('an explorer with freckles, brown hair, a yellow raincoat and a red scarf');
const portrait = await sharp(fileURLToPath(new URL('portrait.svg', import.meta.url)))
  .png()
  .toBuffer();
const file = { name: 'explorer.png', mimeType: 'image/png', buffer: portrait };
await form.locator('input[type=file]').first().setInputFiles(file);
await page.keyboard.press('Enter');
await page.getByText(/\d s on the local ViewComfy/).waitFor({ timeout: 60_000 });
// The last picture may still be on its way.
await page.waitForLoadState('networkidle');
const shot = await page.screenshot();
await sharp(shot).png({ palette: true, quality: 90, effort: 10 }).toFile(PICTURE);
console.log(`Written: ${PICTURE}`);

await browser.close();
main.kill('SIGKILL');
await rm(folder, { recursive: true });
