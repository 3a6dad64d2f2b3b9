import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPage } from '../../src/playground/page-server.ts';
import { findBrowser, launchBrowser } from '../browser.ts';
import { drawPortrait } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const executable = findBrowser();

/** How much of a picture is of the colour that no scene has by itself. */
async function shareOfMagenta(picture: Buffer): Promise<number> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  let found = 0;
  for (let at = 0; at < data.length; at += info.channels) {
    const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
    if (red > 120 && blue > 90 && green < 0.6 * Math.min(red, blue)) found += 1;
  }
  return found / (info.width * info.height);
}

describe.skipIf(executable === undefined)('somebody at the page', () => {
  let browser: Browser;
  let stage: Stage;
  let folder: string;

  beforeAll(async () => {
    browser = await launchBrowser(executable ?? '');
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-page-'));
    stage = await openStage({ discord: { page: createPage() }, viewcomfy: { pictureScale: 0.5 } });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await stage.close();
    await rm(folder, { recursive: true });
  });

  it('goes from the command picker to an open picture that is made from their own', { timeout: 60_000 }, async () => {
    const path = join(folder, 'me.png');
    await writeFile(path, (await drawPortrait('#ff2fd0', '#ff2fd0', '#d8e2d0')).bytes);
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    page.setDefaultTimeout(15_000);
    await page.goto(`${stage.discord.url}/#channel=characters&as=ana`);

    await page.getByRole('combobox', { name: /Message/ }).fill('/char');
    await page.getByRole('listbox', { name: 'Commands' }).getByText('/character').waitFor();
    await page.keyboard.press('Enter');
    const form = page.getByRole('form', { name: 'Command character' });
    await form.getByLabel(/^prompt/).fill('an explorer of the desert');
    await form.locator('input[type=file]').first().setInputFiles(path);
    await page.keyboard.press('Enter');

    // The gallery, then its fourth picture: the desert, which has nothing magenta in it.
    await page.getByText(/ s on ViewComfy/).waitFor();
    const thumbnails = page.getByRole('button', { name: /Image_\d.*: open/ });
    await expect.poll(() => thumbnails.count()).toBe(4);
    await thumbnails.nth(3).click();
    const shown = page.getByRole('dialog').getByRole('img').first();
    await shown.waitFor();
    await expect
      .poll(() => shown.evaluate((element) => ('naturalWidth' in element ? element.naturalWidth : 0)))
      .toBe(640);
    const pixels = await shown.screenshot();
    await expect(shareOfMagenta(pixels)).resolves.toBeGreaterThan(0.03);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});
