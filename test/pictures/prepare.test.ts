import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { preparePicture } from '../../src/pictures/prepare.ts';
import { isNear, noise, pixelAt, pngChunk, pngHeader, quarters, withPngChunks } from './_samples.ts';

const LIMITS = { maxBytes: 8 * 1024 * 1024, maxPixels: 20_000_000, maxSide: 2048 };
const RED = [230, 20, 20];
const GREEN = [20, 200, 20];

async function problemOf(bytes: Uint8Array, limits = LIMITS): Promise<string> {
  const error: unknown = await preparePicture(bytes, limits).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error instanceof UserError ? error.message : '';
}

/** `picture`, `problem`, or the name of an error that nobody should see. */
async function outcomeOf(bytes: Uint8Array): Promise<string> {
  return preparePicture(bytes, LIMITS).then(
    () => 'picture',
    (error: unknown) => (error instanceof UserError ? 'problem' : String(error)),
  );
}

describe('a picture that is fine', () => {
  test.for([
    ['image/png', 'image/png', () => quarters(640, 480).png()],
    ['image/jpeg', 'image/jpeg', () => quarters(640, 480).jpeg({ quality: 92 })],
    ['image/webp', 'image/jpeg', () => quarters(640, 480).webp({ quality: 90 })],
    ['image/webp', 'image/png', () => quarters(640, 480).webp({ lossless: true })],
    ['image/webp', 'image/png', () => quarters(640, 480).ensureAlpha(0.5).webp()],
    ['image/gif', 'image/png', () => quarters(640, 480).gif()],
    ['image/avif', 'image/jpeg', () => quarters(640, 480).avif({ effort: 0 })],
  ] as const)('%s becomes %s with the same pixels', async ([sent, made, draw]) => {
    const bytes = await draw().toBuffer();
    const picture = await preparePicture(bytes, LIMITS);
    expect(picture).toMatchObject({ mediaType: made, width: 640, height: 480, changes: [] });
    expect(picture.original).toEqual({ mediaType: sent, width: 640, height: 480, bytes: bytes.length });
    expect(picture.extension).toBe(made === 'image/png' ? '.png' : '.jpg');
    expect((await sharp(picture.bytes).metadata()).format).toBe(made.slice('image/'.length));
    expect(isNear(await pixelAt(picture.bytes, 0.2, 0.2), RED)).toBe(true);
    expect(isNear(await pixelAt(picture.bytes, 0.8, 0.2), GREEN)).toBe(true);
  });

  test('keeps the transparency that it has', async () => {
    const picture = await preparePicture(await quarters(300, 200).ensureAlpha(0.25).png().toBuffer(), LIMITS);
    const { channels, hasAlpha } = await sharp(picture.bytes).metadata();
    expect({ channels, hasAlpha }).toEqual({ channels: 4, hasAlpha: true });
  });

  test('is made no larger than the workflow can use, in its own proportions', async () => {
    const picture = await preparePicture(await quarters(3000, 1500).png().toBuffer(), { ...LIMITS, maxSide: 1000 });
    expect([picture.width, picture.height]).toEqual([1000, 500]);
    expect(picture.changes).toEqual(['made smaller, from 3000 × 1500 to 1000 × 500']);
  });

  test('a jpeg keeps its full colour resolution', async () => {
    const picture = await preparePicture(await quarters(400, 400).jpeg().toBuffer(), LIMITS);
    expect((await sharp(picture.bytes).metadata()).chromaSubsampling).toBe('4:4:4');
  });

  test('is brought to sRGB from other colour spaces', async () => {
    const wide = await quarters(200, 200).withIccProfile('p3').png().toBuffer();
    const printed = await quarters(200, 200).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    for (const bytes of [wide, printed]) {
      const picture = await preparePicture(bytes, LIMITS);
      const { icc, space } = await sharp(picture.bytes).metadata();
      expect({ icc, space }).toEqual({ icc: undefined, space: 'srgb' });
    }
    expect(isNear(await pixelAt((await preparePicture(wide, LIMITS)).bytes, 0.2, 0.2), RED)).toBe(true);
  });

  test('sixteen bits a channel and shades of grey are made what every workflow reads', async () => {
    const deep = await quarters(200, 100).toColourspace('rgb16').png().toBuffer();
    const grey = await quarters(200, 100).greyscale().jpeg().toBuffer();
    for (const bytes of [deep, grey]) {
      const picture = await preparePicture(bytes, LIMITS);
      expect((await sharp(picture.bytes).metadata()).depth).toBe('uchar');
    }
  });

  test('only the first frame of an animation is used', async () => {
    const red = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer();
    const blue = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#0000ff' } })
      .png()
      .toBuffer();
    for (const format of ['gif', 'webp'] as const) {
      const moving = await sharp([red, blue], { join: { animated: true } })
        .toFormat(format)
        .toBuffer();
      const picture = await preparePicture(moving, LIMITS);
      expect(picture.changes).toEqual(['only the first frame is used']);
      expect([picture.width, picture.height]).toEqual([64, 64]);
      expect(isNear(await pixelAt(picture.bytes, 0.5, 0.5), [255, 0, 0])).toBe(true);
    }
  });
});

describe('what a camera adds', () => {
  test.for([
    [3, 'bottom right'],
    [6, 'right top'],
    [8, 'left bottom'],
  ] as const)('orientation %i is turned upright (%s)', async ([orientation]) => {
    const bytes = await quarters(400, 200).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const picture = await preparePicture(bytes, LIMITS);
    const turned = orientation !== 3;
    expect([picture.width, picture.height]).toEqual(turned ? [200, 400] : [400, 200]);
    expect([picture.original.width, picture.original.height]).toEqual([picture.width, picture.height]);
    expect(picture.changes).toContain('turned upright');
    const places = { 3: [0.8, 0.8], 6: [0.8, 0.2], 8: [0.2, 0.8] } as const;
    const [x, y] = places[orientation];
    expect(isNear(await pixelAt(picture.bytes, x, y), RED)).toBe(true);
    expect((await sharp(picture.bytes).metadata()).orientation).toBeUndefined();
  });

  test('the place it was taken at, and every other note, is gone', async () => {
    const exif = {
      IFD0: { Copyright: 'private-name' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' },
    };
    const xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>private-name</a></x:xmpmeta>';
    const jpeg = await quarters(300, 300).withExif(exif).withXmp(xmp).jpeg().toBuffer();
    const png = withPngChunks(
      await quarters(300, 300).withExif(exif).png().toBuffer(),
      pngChunk('tEXt', Buffer.from('workflow\0private-name')),
    );
    for (const bytes of [jpeg, png]) {
      expect(bytes.includes('private-name')).toBe(true);
      const picture = await preparePicture(bytes, LIMITS);
      expect(picture.bytes.includes('private-name')).toBe(false);
      expect(picture.changes).toContain('place, camera and other notes removed');
      const { exif: left, xmp: leftXmp } = await sharp(picture.bytes).metadata();
      expect([left, leftXmp]).toEqual([undefined, undefined]);
    }
  });

  test('what is appended behind the picture does not pass', async () => {
    const archive = Buffer.concat([
      await quarters(300, 300).png().toBuffer(),
      Buffer.from('PK\x03\x04 a hidden archive'),
    ]);
    expect((await preparePicture(archive, LIMITS)).bytes.includes('hidden archive')).toBe(false);
  });
});

describe('a file that is no picture is named for what it is', () => {
  test.for([
    ['an SVG drawing', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
    ['an SVG drawing', '\u{feff}<!-- drawn --><svg></svg>'],
    ['a web page', '<!DOCTYPE html><html><body>404</body></html>'],
    ['a HEIC photo', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['a BMP picture', 'BM6\0\x0c\0\0\0'],
    ['a TIFF or raw camera picture', 'II*\0\x08\0\0\0'],
    ['a PDF document', '%PDF-1.7\n%\xe2\xe3'],
    ['a zip archive or an office document', 'PK\x03\x04\x14\0'],
    ['an MP4 video', '\0\0\0\x18ftypisom\0\0\0\0isommp42'],
    ['a QuickTime video', '\0\0\0\x14ftypqt  \0\0\0\0qt  '],
    ['a JPEG XL picture', '\xff\x0a\0\0'],
    ['a Windows program', 'MZ\x90\0'],
    ['a text file', 'a girl with red hair'],
    ['a file of an unknown kind', '\0\x01\x02\x03\x04'],
  ] as const)('%s', async ([what, content]) => {
    const encoding = content.startsWith('\u{feff}') ? 'utf8' : 'latin1';
    expect(await problemOf(Buffer.from(content, encoding))).toBe(
      `This file is ${what}, which cannot be used. Send a PNG, JPEG, WebP, GIF or AVIF picture.`,
    );
  });

  test('an empty file', async () => {
    expect(await problemOf(Buffer.alloc(0))).toMatch(/empty/);
  });
});

describe('limits', () => {
  test('too many bytes are refused with both figures', async () => {
    const bytes = await noise(700, 700).png().toBuffer();
    expect(await problemOf(bytes, { ...LIMITS, maxBytes: 1024 * 1024 })).toBe(
      'This file has 1.4 MiB; at most 1.0 MiB are taken. Send a smaller picture.',
    );
  });

  test('too many pixels are refused from the header alone', async () => {
    const small = await quarters(200, 200).png().toBuffer();
    const bomb = Buffer.concat([pngHeader(60_000, 60_000), small.subarray(33)]);
    const began = process.memoryUsage().rss;
    expect(await problemOf(bomb)).toMatch(/60000 × 60000 pixels, 3600\.0 megapixels in all; at most 20\.0 megapixels/);
    expect(process.memoryUsage().rss - began).toBeLessThan(200_000_000);
  });

  test.for([
    ['png', () => quarters(1200, 1000).png()],
    ['jpeg', () => quarters(1200, 1000).jpeg()],
    ['webp', () => quarters(1200, 1000).webp()],
    ['gif', () => quarters(1200, 1000).gif()],
    ['avif', () => quarters(1200, 1000).avif({ effort: 0 })],
  ] as const)('pixels are counted in a %s', async ([, draw]) => {
    expect(await problemOf(await draw().toBuffer(), { ...LIMITS, maxPixels: 1_000_000 })).toMatch(/1200 × 1000 pixels/);
  });

  test('an animation of ten thousand frames costs no more than its first', async () => {
    const two = await sharp(
      [await quarters(64, 64).png().toBuffer(), await quarters(64, 64).negate().png().toBuffer()],
      { join: { animated: true } },
    )
      .gif()
      .toBuffer();
    const frameAt = two.lastIndexOf(Buffer.from([0x21, 0xf9, 0x04]));
    const frame = two.subarray(frameAt, -1);
    const many = Buffer.concat([
      two.subarray(0, frameAt),
      ...Array.from({ length: 10_000 }, () => frame),
      Buffer.from(';'),
    ]);
    const picture = await preparePicture(many, LIMITS);
    expect([picture.width, picture.height]).toEqual([64, 64]);
  });

  test('texts and colour profiles that would unpack to gigabytes do not', async () => {
    const small = await quarters(200, 200).png().toBuffer();
    const packed = deflateSync(Buffer.alloc(300_000_000));
    const text = pngChunk('zTXt', Buffer.concat([Buffer.from('workflow\0\0'), packed]));
    const profile = pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), packed]));
    const began = process.memoryUsage().rss;
    for (const bomb of [withPngChunks(small, text, text, text), withPngChunks(small, profile)]) {
      expect(['picture', 'problem']).toContain(await outcomeOf(bomb));
    }
    expect(process.memoryUsage().rss - began).toBeLessThan(300_000_000);
  });
});

describe('a broken file is told, wherever it is cut', () => {
  test.for([
    ['a PNG picture', () => noise(160, 120).png()],
    ['a JPEG picture', () => noise(160, 120).jpeg()],
    ['a JPEG picture', () => noise(160, 120).jpeg({ progressive: true })],
    ['a WebP picture', () => noise(160, 120).webp()],
    ['a GIF picture', () => noise(160, 120).gif()],
    ['an AVIF picture', () => noise(160, 120).avif({ effort: 0 })],
  ] as const)('%s', async ([what, draw]) => {
    const whole = await draw().toBuffer();
    const kept = [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97].map((part) => Math.floor(whole.length * part));
    for (const length of [24, ...kept, whole.length - 40]) {
      expect(await problemOf(whole.subarray(0, length)), `${length} of ${whole.length} bytes`).toBe(
        `This file begins like ${what}, but it is broken or cut off. Save it anew and send it again, or send another.`,
      );
    }
  });

  test('noise behind a good beginning ends in the same sentence or in a picture, never in another error', async () => {
    for (const draw of [noise(200, 150).png(), noise(200, 150).jpeg(), noise(200, 150).webp(), noise(200, 150).gif()]) {
      const whole = await draw.toBuffer();
      for (let seed = 1; seed <= 12; seed += 1) {
        const damaged = Buffer.from(whole);
        for (let index = 30 + seed; index < damaged.length; index += 97 * seed) damaged[index] = (index * seed) & 0xff;
        expect(['picture', 'problem']).toContain(await outcomeOf(damaged));
      }
    }
  });
});
