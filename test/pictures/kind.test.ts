import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kindByTracks, kindOf, SNIFFED_BYTES } from '../../src/pictures/kind.ts';
import {
  adtsFrames,
  ftyp,
  matroska,
  moov,
  mp3Frames,
  mp4,
  mp4Of,
  oggPage,
  riff,
  withLongLength,
  withoutLength,
} from './_media.ts';

describe('films and sounds are told by their first bytes', () => {
  it.each([
    ['an MP4 of a phone', ftyp('mp42', 'isom', 'mp42'), 'video/mp4', '.mp4', 'video'],
    ['an MP4 of ffmpeg', ftyp('isom', 'isom', 'iso2', 'avc1', 'mp41'), 'video/mp4', '.mp4', 'video'],
    [
      "an MP4 of Apple's, which names the brand of sounds too",
      ftyp('M4V ', 'M4V ', 'M4A ', 'mp42'),
      'video/mp4',
      '.mp4',
      'video',
    ],
    ['a video of an old phone', ftyp('3gp5', '3gp5', 'isom'), 'video/3gpp', '.3gp', 'video'],
    ['a QuickTime of a phone', ftyp('qt  ', 'qt  '), 'video/quicktime', '.mov', 'video'],
    [
      'a QuickTime that is older than brands',
      Buffer.from('\0\0\0\x08wide\0\x10\0\0mdat', 'latin1'),
      'video/quicktime',
      '.mov',
      'video',
    ],
    ['a voice memo', ftyp('M4A ', 'M4A ', 'mp42', 'isom'), 'audio/mp4', '.m4a', 'audio'],
    ['a sound of another recorder', ftyp('mp42', 'mp42', 'M4A '), 'audio/mp4', '.m4a', 'audio'],
    ['an audio book', ftyp('M4B ', 'isom'), 'audio/mp4', '.m4a', 'audio'],
    ['a WebM of ffmpeg', matroska('webm', ['V_VP9', 'A_OPUS']), 'video/webm', '.webm', 'video'],
    ['a WebM with long sizes', matroska('webm', ['V_VP8'], 8), 'video/webm', '.webm', 'video'],
    ['a WebM whose sound comes first', matroska('webm', ['A_OPUS', 'V_VP8']), 'video/webm', '.webm', 'video'],
    ['a WebM of a microphone', matroska('webm', ['A_OPUS']), 'audio/webm', '.webm', 'audio'],
    ['a Matroska', matroska('matroska', ['V_MPEG4/ISO/AVC', 'A_AAC']), 'video/x-matroska', '.mkv', 'video'],
    ['a Matroska of sound', matroska('matroska\0\0', ['A_FLAC']), 'audio/x-matroska', '.mka', 'audio'],
    ['an AVI', riff('AVI '), 'video/x-msvideo', '.avi', 'video'],
    ['a WAV', riff('WAVE'), 'audio/wav', '.wav', 'audio'],
    ['an MP3 with a tag', Buffer.from('ID3\x04\0\0\0\0\x02\x01TSSE', 'latin1'), 'audio/mpeg', '.mp3', 'audio'],
    ['an MP3 without a tag', mp3Frames(12), 'audio/mpeg', '.mp3', 'audio'],
    ['an MP3 of two frames', mp3Frames(2), 'audio/mpeg', '.mp3', 'audio'],
    ['an AAC', adtsFrames(20), 'audio/aac', '.aac', 'audio'],
    ['a FLAC', Buffer.from('fLaC\0\0\0\x22', 'latin1'), 'audio/flac', '.flac', 'audio'],
    ['a voice message of Discord', oggPage('OpusHead\x01\x02'), 'audio/ogg', '.ogg', 'audio'],
    ['an Ogg Vorbis', oggPage('\x01vorbis\0\0\0\0'), 'audio/ogg', '.ogg', 'audio'],
    ['an Ogg Theora', oggPage('\x80theora\x03\x02'), 'video/ogg', '.ogv', 'video'],
    [
      'an Ogg Theora behind its skeleton',
      Buffer.concat([oggPage('fishead\0'), oggPage('\x80theora')]),
      'video/ogg',
      '.ogv',
      'video',
    ],
    [
      'an Ogg Theora behind its sound',
      Buffer.concat([oggPage('\x01vorbis'), oggPage('\x80theora')]),
      'video/ogg',
      '.ogv',
      'video',
    ],
    ['a GIF, which is a picture', Buffer.from('GIF89a'), 'image/gif', '.gif', 'picture'],
  ])('%s', (_what, head, mediaType, extension, medium) => {
    expect(kindOf(head)).toMatchObject({ mediaType, extension, medium });
  });
});

describe('what only looks like a sound or a film is none', () => {
  it.each([
    ['a mark of an MP3 before noise', Buffer.concat([mp3Frames(1), Buffer.alloc(400, 0x55)])],
    ['frames of two streams', Buffer.concat([mp3Frames(1), Buffer.from([0xff, 0xfb, 0x98, 0x64]), Buffer.alloc(500)])],
    ['a mark of an MP3 alone', mp3Frames(1).subarray(0, 4)],
    ['UTF-16', Buffer.from('\u{feff}Words, in two bytes each'.repeat(100), 'utf16le')],
    ['nothing but ones', Buffer.alloc(5000, 0xff)],
    ['an Ogg of something else', oggPage('\x7fother')],
    ['an EBML of something else', matroska('other', ['V_VP8'])],
    ['the wide road, in words', Buffer.from('The wide road')],
    ['a zip', Buffer.from('PK\x03\x04\x14\0', 'latin1')],
  ])('%s', (_what, head) => {
    expect(kindOf(head).medium).toBeUndefined();
  });
});

describe('any bytes', () => {
  const beginnings = [
    ftyp('isom', 'M4A '),
    ftyp('avif'),
    matroska('webm', ['A_OPUS']),
    oggPage('OpusHead'),
    oggPage('fishead\0'),
    mp3Frames(2),
    adtsFrames(2),
    riff('WAVE'),
    Buffer.from('\x1aE\xdf\xa3', 'latin1'),
    Buffer.from('<svg'),
  ];
  /** Good beginnings that are cut, changed and followed by anything. */
  const bytes = fc
    .tuple(
      fc.constantFrom(Buffer.alloc(0), ...beginnings),
      fc.nat(300),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 600 }),
    )
    .map(([beginning, length, changes, end]) => {
      const whole = Buffer.concat([beginning.subarray(0, length), end]);
      for (const [at, value] of changes) if (at < whole.length) whole[at] = value;
      return whole;
    });

  it('are some kind, in a time that does not matter', () => {
    fc.assert(
      fc.property(bytes, (file) => {
        const { what, extension, medium, format } = kindOf(file);
        expect(what).toMatch(/^an? /);
        expect(extension).toMatch(/^(?:\.[a-z0-9]+)?$/);
        expect(format === undefined || medium === 'picture').toBe(true);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  it('are the kind that their first ones are', () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 50 }), (file, more) => {
        const head = Buffer.concat([file, Buffer.alloc(SNIFFED_BYTES)]).subarray(0, SNIFFED_BYTES);
        expect(kindOf(Buffer.concat([head, more]))).toEqual(kindOf(head));
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});

function behindBrands(boxes: Buffer): Buffer {
  return Buffer.concat([ftyp('isom', 'isom').subarray(0, -8), boxes]);
}

describe('the tracks of a file', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-kind-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function mediaTypeOf(bytes: Buffer): Promise<string> {
    const path = join(folder, 'file');
    await writeFile(path, bytes);
    return (await kindByTracks(path, kindOf(bytes))).mediaType;
  }

  it.each([
    ['a video with a sound', mp4Of('soun', 'vide'), 'video/mp4'],
    ['a video without one', mp4Of('vide'), 'video/mp4'],
    ['a sound alone, of a recorder that says MP4', mp4Of('soun'), 'audio/mp4'],
    ['a sound alone, in QuickTime', Buffer.concat([ftyp('qt  ', 'qt  ').subarray(0, -8), moov('soun')]), 'audio/mp4'],
    ['a sound alone, in a box with a long length', behindBrands(withLongLength(moov('soun'))), 'audio/mp4'],
    ['a sound alone, in a box that is the last', behindBrands(withoutLength(moov('soun'))), 'audio/mp4'],
    ['nothing that can be found', mp4(500), 'video/mp4'],
    ['something that is told already', matroska('webm', ['V_VP9']), 'video/webm'],
  ])('tell %s', async (_what, bytes, mediaType) => {
    await expect(mediaTypeOf(bytes)).resolves.toBe(mediaType);
  });

  it('are looked for no longer than they can be there', async () => {
    const many = Buffer.alloc(400_000);
    for (let at = 0; at < many.length; at += 8) many.set([0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65], at);
    await expect(mediaTypeOf(behindBrands(Buffer.concat([many, moov('soun')])))).resolves.toBe('video/mp4');
  });

  it('may be anything', async () => {
    const whole = mp4Of('soun', 'vide').subarray(0, 24);
    const changed = fc
      .uint8Array({ minLength: 8, maxLength: 200 })
      .map((bytes) => Buffer.concat([whole, moov('soun'), bytes, moov('vide'), bytes]));
    const damaged = fc.tuple(
      changed,
      fc.array(fc.tuple(fc.integer({ min: 24, max: 200 }), fc.nat(255)), { maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async ([bytes, changes]) => {
        for (const [at, value] of changes) bytes[at] = value;
        expect(await mediaTypeOf(bytes)).toMatch(/^(?:audio|video)\/mp4$/);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
