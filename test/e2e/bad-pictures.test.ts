import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import type { Picture } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ pictures: { maxBytes: 3 * 1024 * 1024, maxPixels: 2_000_000 } });
});
afterAll(() => stage.close());

function named(name: string, bytes: Uint8Array): Picture {
  return { name, bytes: Uint8Array.from(bytes) };
}

async function blank(width: number, height: number): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: '#446688' } })
    .png()
    .toBuffer();
}

const noise = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 7919) % 256));

describe('a picture that cannot be used is told before anything is queued', () => {
  it.each([
    [
      'a text',
      async () => named('notes.png', Buffer.from('only words, whatever the name says')),
      /character.*cannot be used/,
    ],
    ['an SVG', async () => named('face.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), /SVG/],
    ['a PDF', async () => named('face.png', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj')), /PDF/],
    ['nothing', async () => named('face.png', Buffer.alloc(0)), /empty/],
    ['a picture cut off', async () => named('face.png', (await blank(800, 800)).subarray(0, 900)), /broken or cut off/],
    ['too many pixels', async () => named('face.png', await blank(2000, 1500)), /2000 × 1500 pixels/],
    ['too many bytes', async () => named('face.png', noise(4 * 1024 * 1024)), /4\.0 MiB; at most 3\.0 MiB/],
  ])('%s', async (_what, make, sentence) => {
    const ana = stage.person('ana');
    const reply = await ana.character('a pilot', { character: await make() });
    const { text } = await ana.waitFor(reply.id, sentence);
    expect(text).toContain('**character**');
    expect(stage.viewcomfy.runs).toHaveLength(0);
  });

  it('and every problem of every option is told at once', async () => {
    const bo = stage.person('bo');
    const reply = await bo.character('   ', {
      character: named('a.png', Buffer.from('no picture')),
      pose: named('b.png', await blank(2000, 1500)),
    });
    const { text } = await bo.waitFor(reply.id, /Nothing was started/);
    expect(text).toMatch(/\*\*prompt\*\*[^]*\*\*character\*\*[^]*\*\*pose\*\*/);
    expect(stage.viewcomfy.runs).toHaveLength(0);
  });

  it('while one that only has another name is used', async () => {
    const cy = stage.person('cy');
    const { bytes } = await PORTRAIT;
    const jpeg = await sharp(bytes).jpeg().toBuffer();
    const reply = await cy.character('a pilot', { character: named('IMG 0001.heic', jpeg) });
    await cy.waitFor(reply.id, / s on ViewComfy/);
    expect(stage.viewcomfy.runs.at(-1)?.files).toContainEqual(
      expect.objectContaining({ key: '626-inputs-image', filename: 'img_0001.jpg', mediaType: 'image/jpeg' }),
    );
  });
});
