import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createBackend } from '../../src/backends/index.ts';
import { systemClock } from '../../src/clock.ts';
import { createLocalComfyUI, type LocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { createPage } from '../../src/playground/page-server.ts';
import { findBrowser, launchBrowser } from '../browser.ts';
import { elementsAt, elementsIn } from '../playground/ebml.ts';
import type { Person, SeenMessage } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const WORDS = 'She turns her head.\nThe wind moves her hair, snow falls.';

let stage: Stage | undefined;
let comfyui: LocalComfyUI | undefined;

afterEach(async () => {
  await stage?.close();
  await comfyui?.close();
  stage = undefined;
  comfyui = undefined;
});

/** Calls /animate with a portrait, fills in the modal, and waits for the film. */
async function animate(person: Person, options: Record<string, string> = {}): Promise<SeenMessage> {
  const command = await person.call('animate', { picture: await PORTRAIT, ...options });
  const submit = await person.submitModal(command, { prompt: WORDS });
  const { id } = await person.answer(submit);
  return await person.waitFor(id, / s on \w*Comfy/);
}

async function bytesOf(address = ''): Promise<Buffer> {
  return Buffer.from(await (await fetch(address)).arrayBuffer());
}

/** Of a WebM, in milliseconds. */
function lengthOf(film: Buffer): number | undefined {
  return elementsAt(elementsIn(film), '18538067', '1549a966', '4489')[0]?.content.readDoubleBE();
}

describe('/animate', { timeout: 60_000 }, () => {
  it('answers with the film alone, and has its last frame behind a button', async () => {
    stage = await openStage();
    const ana = stage.person('ana');
    const card = await animate(ana, { length: '2 seconds', seed: '5' });
    expect(card.text).toContain('> She turns her head');
    expect(card.text).toContain('length `2 seconds`');
    expect(card.text).toContain('seed `5`');
    expect(card.files).toEqual([]);
    expect(card.pictures).toEqual([expect.stringMatching(/\/animation_00001_\.webm\?/)]);
    const response = await fetch(card.pictures[0] ?? '');
    expect(response.headers.get('content-type')).toBe('video/webm');
    // 49 frames, 24 a second; the local ViewComfy draws twelve of them.
    expect(lengthOf(Buffer.from(await response.arrayBuffer()))).toBe(2083);

    const others = await ana.answer(await ana.press(card, /1 other file/));
    const page = await ana.withPictures(others.id, 1);
    expect(page.pictures[0]).toMatch(/\/last_frame_00001_\.png\?/);
    // A quarter of 480 by 360, in the shape of the portrait.
    expect(await sharp(await bytesOf(page.pictures[0])).metadata()).toMatchObject({ width: 90, height: 120 });
  });

  it.each([false, true])('has no workflow in its film, unless the operator wants so: %s', async (keepWorkflow) => {
    const results = { keepWorkflow };
    stage = await openStage({ viewcomfy: { drawing: 'flat' }, results });
    const { pictures } = await animate(stage.person('ana'));
    const film = await bytesOf(pictures[0]);
    expect(film.includes('"class_type"')).toBe(keepWorkflow);
    expect(film.includes('PROMPT')).toBe(keepWorkflow);
    expect(lengthOf(film)).toBeGreaterThan(0);
  });

  it('sends its own workflow to ViewComfy, and answers of the right types into it', async () => {
    stage = await openStage({ viewcomfy: { drawing: 'flat' } });
    await animate(stage.person('ana'), { length: '5 seconds', size: '480p, quick', steps: '30', seed: '5' });
    const [run] = stage.viewcomfy.runs;
    expect(run?.params).toEqual({
      '5-inputs-megapixels': 0.38,
      '7-inputs-text': WORDS,
      '8-inputs-text': expect.stringMatching(/still picture, blurred/),
      '9-inputs-length': 121,
      '11-inputs-steps': 30,
      '11-inputs-seed': 5,
    });
    expect(run?.files.map(({ key }) => key)).toEqual(['4-inputs-image']);
  });

  it('is the same on a ComfyUI server', async () => {
    comfyui = await createLocalComfyUI({ drawing: 'flat', runMs: 200 });
    const log = pino({ level: 'silent' });
    const backend = await createBackend({ type: 'comfyui', urls: [comfyui.url] }, { clock: systemClock, log });
    stage = await openStage({ backend });
    const card = await animate(stage.person('ana'), { length: '4 seconds' });
    expect(card.pictures).toEqual([expect.stringMatching(/\/animation_00001_\.webm\?/)]);
    expect(lengthOf(await bytesOf(card.pictures[0]))).toBeGreaterThan(0);
    expect(card.buttons.map(({ label }) => label)).toContain('1 other file');
    const [run] = comfyui.runs;
    expect(run?.graph.get('9')?.inputs['length']).toBe(97);
    expect(run?.graph.get('7')?.inputs['text']).toBe(WORDS);
  });
});

const executable = findBrowser();

describe.skipIf(executable === undefined)('/animate at the page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser(executable ?? '');
  });
  afterAll(() => browser.close());

  it('goes from the button over the modal to a film that plays', { timeout: 60_000 }, async () => {
    stage = await openStage({ discord: { page: createPage() }, viewcomfy: { pictureScale: 0.5 } });
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    page.setDefaultTimeout(15_000);
    await page.goto(`${stage.discord.url}/#channel=characters&as=ana`);
    await page.getByRole('button', { name: 'Try /animate' }).click();
    const { name, bytes } = await PORTRAIT;
    const form = page.getByRole('form', { name: 'Command animate' });
    const file = { name, mimeType: 'image/png', buffer: Buffer.from(bytes) };
    await form.locator('input[type=file]').first().setInputFiles(file);
    await page.getByRole('button', { name: 'Send' }).click();
    const modal = page.getByRole('dialog', { name: '/animate' });
    await modal.getByLabel(/^prompt/).fill(WORDS);
    await expect.poll(() => modal.getByLabel(/^avoid/).inputValue()).toContain('blurred');
    await modal.getByRole('button', { name: 'Submit' }).click();

    await page.getByText(/ s on ViewComfy/).waitFor();
    const film = page.getByRole('button', { name: /animation.*: play/ });
    await film.getByText('0:03').waitFor();
    await film.click();
    const seen = () =>
      page.evaluate(`(() => {
        const video = document.querySelector('.viewer video');
        return { width: video.videoWidth, height: video.videoHeight, plays: !video.paused && video.currentTime > 0.2 };
      })()`);
    await expect.poll(seen).toEqual({ width: 180, height: 240, plays: true });
    await page.context().close();
  });
});
