import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findBrowser, launchBrowser } from '../browser.ts';
import { picture, shortFilm } from './puppet.ts';
import { openStage, type Stage } from './stage.ts';

const executable = findBrowser();

describe.skipIf(executable === undefined)('the page', () => {
  let browser: Browser;
  let stage: Stage;
  let portrait: Buffer;

  beforeAll(async () => {
    browser = await launchBrowser(executable ?? '');
    portrait = await picture('#f0a');
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    stage = await openStage(browser);
  });
  afterEach(() => stage.close());

  /** Runs /character with a picture, and waits until the bot has begun. */
  async function runCharacter(page: Page, prompt = 'a cat'): Promise<void> {
    await page.getByRole('button', { name: 'Try /character' }).click();
    await page.getByLabel('prompt: What happens').fill(prompt);
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: portrait });
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('place 1 in line').waitFor();
  }

  async function finishCharacter(page: Page): Promise<void> {
    await runCharacter(page);
    stage.puppet.goOn();
    await page.getByRole('button', { name: 'Scene 1: open' }).waitFor();
  }

  async function runPlain(page: Page, command: string): Promise<void> {
    await page.getByRole('combobox', { name: /Message/ }).fill(`/${command}`);
    await page.keyboard.press('Enter');
    await page.getByRole('form', { name: `Command ${command}` }).waitFor();
    await page.keyboard.press('Enter');
  }

  /** Drops or pastes a file where the focus is. */
  function give(page: Page, type: 'drop' | 'paste', name: string): Promise<unknown> {
    return page.evaluate(`(() => {
        const bytes = Uint8Array.from(atob('${portrait.toString('base64')}'), (each) => each.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], '${name}', { type: 'image/png' }));
        const init = { bubbles: true, cancelable: true };
        const event = '${type}' === 'paste'
          ? new ClipboardEvent('paste', { ...init, clipboardData: transfer })
          : new DragEvent('drop', { ...init, dataTransfer: transfer });
        document.activeElement.dispatchEvent(event);
      })()`);
  }

  test('leads a newcomer into /character with its required options shown and the first one focused', async () => {
    const page = await stage.open();
    await page.getByRole('button', { name: 'Try /character' }).click();
    await page.locator('textarea[aria-label="prompt: What happens"]:focus').waitFor();
    expect(await page.getByRole('button', { name: 'character: A picture: choose a file' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: '+4 optional' }).isVisible()).toBe(true);
  });

  test('runs a command by keyboard alone, with optional options and autocomplete', async () => {
    const page = await stage.open();
    const { keyboard } = page;
    // Early, because the browser has to be told to hand its file dialog over.
    const chosen = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'no-files' }).focus();
    await keyboard.type('/');
    const offered = page.getByRole('listbox', { name: 'Commands' }).getByRole('option');
    await expect.poll(() => offered.count()).toBe(5);
    await keyboard.press('ArrowDown');
    expect(await offered.nth(1).getAttribute('aria-selected')).toBe('true');
    await keyboard.press('ArrowUp');
    await keyboard.press('Tab');
    await page.getByLabel('prompt: What happens').waitFor();
    await keyboard.type('a brave cat');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await (await chosen).setFiles({ name: 'me.png', mimeType: 'image/png', buffer: portrait });
    await page.getByRole('img', { name: 'Preview of me.png' }).waitFor();
    await page.locator('button[aria-label="Send"]:focus').waitFor();
    await page.getByRole('button', { name: '+4 optional' }).focus();
    await keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'pose' }).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await keyboard.type('9');
    await keyboard.press('Enter');
    await page.getByText('At most 4, please.').waitFor();
    await keyboard.press('Backspace');
    await keyboard.type('2');

    await page.getByRole('button', { name: '+3 optional' }).focus();
    await keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'style' }).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await keyboard.type('water');
    await page.getByRole('option', { name: 'watercolour ×2' }).waitFor();
    await keyboard.press('Enter');
    await keyboard.press('Enter');
    await expect.poll(() => stage.puppet.notes).toEqual(['a brave cat | me.png |  | 2 | watercolour']);
    await page.getByText('Ana used /character').waitFor();
    stage.puppet.goOn();
  });

  test('opens the command that takes a picture for a picture that is pasted into the empty box', async () => {
    const page = await stage.open();
    await give(page, 'paste', 'clip.png');
    await page.getByRole('img', { name: 'Preview of clip.png' }).waitFor();
    await expect.poll(() => page.locator('textarea[aria-label="prompt: What happens"]:focus').count()).toBe(1);
  });

  test('says at the field what is missing, and keeps what was written when the command is refused', async () => {
    const page = await stage.open();
    await page.getByRole('button', { name: 'Try /character' }).click();
    await page.getByLabel('prompt: What happens').fill('x'.repeat(201));
    await page.keyboard.press('Enter');
    await page.getByText('201 characters: at most 200 are allowed.').waitFor();
    await page.getByText('A file is needed').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: /Message/ }).waitFor();
    expect(stage.puppet.notes).toEqual([]);
  });

  test('takes files that are dropped and pasted into the first empty place', async () => {
    const page = await stage.open();
    await page.getByRole('button', { name: 'Try /character' }).click();
    await page.getByLabel('prompt: What happens').fill('two files');
    await give(page, 'drop', 'dropped.png');
    await page.getByRole('img', { name: 'Preview of dropped.png' }).waitFor();
    await give(page, 'paste', 'pasted.png');
    await page.getByRole('img', { name: 'Preview of pasted.png' }).waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await expect.poll(() => stage.puppet.notes).toEqual(['two files | dropped.png | pasted.png |  | ']);
    stage.puppet.goOn();
  });

  test('shows a deferred answer, its edits as they come, and a gallery with a viewer', async () => {
    const page = await stage.open();
    const other = await stage.open({ as: 'bo' });
    await runCharacter(page);
    await other.getByText('place 1 in line').waitFor();
    stage.puppet.goOn();
    await other.getByRole('button', { name: 'Scene 4: open' }).waitFor();
    await page.getByRole('button', { name: 'Scene 2: open' }).click();
    const viewer = page.getByRole('dialog', { name: 'Picture viewer' });
    await viewer.getByRole('img', { name: 'Scene 2' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await viewer.getByRole('img', { name: 'Scene 3' }).waitFor();
    await expect.poll(() => page.evaluate('document.querySelector(".viewer img").naturalWidth')).toBe(320);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await viewer.getByText('1 of 4').waitFor();
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });
  });

  test('shows films with their length, plays them and winds them, and plays sounds', async () => {
    const page = await stage.open();
    const parts: number[] = [];
    page.on('response', (response) => {
      if (response.url().includes('walk.webm')) parts.push(response.status());
    });
    await runPlain(page, 'film');
    const film = page.getByRole('button', { name: 'A walk: play' });
    await film.getByText('0:02').waitFor();
    await film.hover();
    await expect.poll(() => page.evaluate('document.querySelector(".gallery video").currentTime')).toBeGreaterThan(0);
    await film.click();
    const player = page.getByRole('dialog', { name: 'Video player' });
    await player.waitFor();
    const seen = () =>
      page.evaluate(`(() => {
        const { videoWidth, duration, currentTime, seekable, muted } = document.querySelector('.viewer video');
        return { videoWidth, duration, plays: currentTime > 0, end: seekable.length && seekable.end(0), muted };
      })()`);
    await expect.poll(seen).toEqual({ videoWidth: 64, duration: 2, plays: true, end: 2, muted: false });
    expect(new Set(parts)).toEqual(new Set([206]));
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog', { name: 'Picture viewer' }).getByRole('img', { name: 'A still' }).waitFor();
    await page.keyboard.press('Escape');

    const sound = page.locator('audio[aria-label="hum.wav"]');
    await expect.poll(() => sound.evaluate((element) => ('duration' in element ? element.duration : 0))).toBe(2);
    await page.getByRole('link', { name: 'Download hum.wav' }).waitFor();
  });

  test('shows what is in a film that is attached, and a sign where a sound is', async () => {
    const page = await stage.open();
    await page.getByRole('button', { name: 'Try /character' }).click();
    const place = page.locator('input[type=file]').first();
    await place.setInputFiles({ name: 'me.webm', mimeType: 'video/webm', buffer: await shortFilm() });
    const preview = page.locator('video[aria-label="Preview of me.webm"]');
    await expect.poll(() => preview.evaluate((element) => ('videoWidth' in element ? element.videoWidth : 0))).toBe(64);
    await page.getByRole('button', { name: 'Remove me.webm' }).click();
    await place.setInputFiles({ name: 'me.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('ID3') });
    await page.locator('.file-chosen', { hasText: 'me.mp3' }).locator('svg').first().waitFor();
    expect(await page.locator('.file-chosen :is(img, video)').count()).toBe(0);
  });

  test('shows that a press is awaited, and opens the modal that it is answered with', async () => {
    const page = await stage.open();
    await finishCharacter(page);
    const slow = page.getByRole('button', { name: 'Slow' });
    await slow.click();
    await expect.poll(() => slow.getAttribute('aria-busy')).toBe('true');
    stage.puppet.goOn();
    await expect.poll(() => slow.getAttribute('aria-busy')).toBe(null);
    expect(await page.getByRole('button', { name: 'Off' }).isDisabled()).toBe(true);

    await page.getByRole('button', { name: 'Report' }).click();
    const modal = page.getByRole('dialog', { name: 'Report a picture' });
    await modal.getByRole('button', { name: 'Submit' }).click();
    await modal.getByText('This is needed.').waitFor();
    await modal.getByRole('textbox', { name: 'What is wrong', description: /This is needed/ }).waitFor();
    await modal.getByLabel('What is wrong').fill('the hat');
    await give(page, 'paste', 'proof.png');
    await modal.getByRole('img', { name: 'Preview of proof.png' }).waitFor();
    await modal.getByRole('button', { name: 'Submit' }).click();
    await page.locator('.message').getByText('Reported: the hat (1 files)').waitFor();
    expect(await modal.count()).toBe(0);
  });

  test('chooses in a select menu by keyboard, and shows the ephemeral answer to nobody else', async () => {
    const page = await stage.open();
    const other = await stage.open({ as: 'bo' });
    await finishCharacter(page);
    await page.getByRole('combobox', { name: 'Choose a scene' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const note = page.locator('.message').getByText('Chosen: two');
    await note.waitFor();
    await runPlain(page, 'hostile');
    await other.getByText('window.harmed').first().waitFor();
    expect(await other.getByText('Chosen: two').count()).toBe(0);
    await page.getByRole('button', { name: 'Dismiss message' }).click();
    await note.waitFor({ state: 'detached' });
  });

  test('shows hostile text as text', async () => {
    const page = await stage.open();
    await runPlain(page, 'hostile');
    const body = page.locator('.message-body').last();
    await expect.poll(() => body.innerText()).toContain('<img src=x onerror="window.harmed=1">');
    expect(await page.evaluate('window.harmed')).toBe(undefined);
    expect(await body.locator('img, script').count()).toBe(0);
    const links: unknown = await page.evaluate('[...document.querySelectorAll(".message a")].map(({ href }) => href)');
    expect(links).toEqual(expect.arrayContaining([expect.stringMatching(/^https:\/\/example\.com\//)]));
    expect(links).not.toEqual(expect.arrayContaining([expect.stringMatching(/^javascript:/)]));
  });

  test('says that the bot did not answer, once three seconds of the playground have passed', async () => {
    const page = await stage.open();
    await runPlain(page, 'silent');
    await page.getByText('Sending…').waitFor();
    await page.getByText('Time and faults').click();
    await page.getByRole('button', { name: '+1 min' }).click();
    await page.getByText('The application did not respond').waitFor();
    await page.getByRole('button', { name: 'Dismiss message' }).click();
    await expect.poll(() => page.getByText('The application did not respond').count()).toBe(0);
  });

  test('offers the commands that act on a message', async () => {
    const page = await stage.open();
    await runPlain(page, 'secret');
    await page.locator('.message').getByText('for your eyes').waitFor();
    await page.getByRole('button', { name: 'More' }).last().focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('blockquote').allInnerTexts()).toEqual(['for your eyes']);
  });

  test('switches faults on and off', async () => {
    const page = await stage.open();
    await page.getByText('Time and faults').click();
    await page.getByLabel('What goes wrong').selectOption('502');
    await page.getByLabel('how often').fill('3');
    await page.getByRole('button', { name: 'Switch on' }).click();
    const list = page.getByRole('list', { name: 'Faults that are on' });
    await list.getByText('502 Bad Gateway, 3 times, every request of the bot').waitFor();
    await list.getByRole('button', { name: 'Off' }).click();
    await expect.poll(() => page.getByText('No faults are on.').isVisible()).toBe(true);
  });

  test('goes on by itself when the playground was stopped and started anew', async () => {
    const page = await stage.open({ as: 'bo' });
    await runPlain(page, 'secret');
    await page.locator('.message').getByText('for your eyes').waitFor();
    await stage.restart(() => page.getByText('Connecting to the playground…').waitFor());
    await expect.poll(() => page.locator('.message').count(), { timeout: 15_000 }).toBe(0);
    await runPlain(page, 'secret');
    await page.locator('.message').getByText('for your eyes').waitFor();
    // The browser itself tells of connections that were refused.
    expect(stage.complaints.filter((each) => !each.includes('net::ERR'))).toEqual([]);
    stage.complaints.length = 0;
  });

  test('keeps person and channel in the address, and goes where it says', async () => {
    const page = await stage.open();
    await page.getByRole('button', { name: 'no-files' }).click();
    await page.getByRole('radio', { name: /^Bo/ }).click();
    await expect.poll(() => new URL(page.url()).hash).toBe('#channel=no-files&as=bo');
    await page.goBack();
    await expect.poll(() => page.locator('.as').innerText()).toBe('as Ana');
  });

  test('fits a phone: nothing scrolls sideways, and the channels are in a drawer', async () => {
    const page = await stage.open({ width: 360, height: 740 });
    await finishCharacter(page);
    await page.getByRole('button', { name: 'Try /character' }).click();
    await page.getByRole('button', { name: '+4 optional' }).click();
    await page.getByRole('menuitem', { name: 'pose' }).click();
    const tooWide: unknown = await page.evaluate(`[...document.querySelectorAll('*')]
      .filter((each) => !each.closest('side-bar, .visually-hidden, pre'))
      .filter((each) => each.getBoundingClientRect().right > 360.5)
      .map((each) => each.outerHTML.slice(0, 100))`);
    expect(tooWide).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const channels = page.getByRole('navigation', { name: 'Channels' });
    expect(await channels.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Channels and people' }).click();
    await channels.getByRole('button', { name: 'read-only' }).click();
    await page.getByRole('heading', { level: 2, name: 'read-only', exact: true }).waitFor();
    await expect.poll(() => channels.isVisible()).toBe(false);
  });
});
