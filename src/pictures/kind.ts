/** What a file is by its first bytes. Names and headers that came with it are never asked: anybody can write those. */
export interface FileKind {
  /** with its article, to stand in a sentence: `a PDF document` */
  readonly what: string;
  readonly mediaType: string;
  /** with the dot */
  readonly extension: string;
  /** present where it is a picture that Troupe can read */
  readonly format?: PictureFormat;
}

export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

/** Enough to tell every kind below. */
export const SNIFFED_BYTES = 512;

/** Bytes as latin1 text, at an offset; every part must match. The first row that matches is the kind. */
const MAGIC: readonly { readonly parts: readonly [number, string][]; readonly kind: FileKind }[] = [
  at(0, '\x89PNG\r\n\x1a\n', { what: 'a PNG picture', mediaType: 'image/png', extension: '.png', format: 'png' }),
  at(0, '\xff\xd8\xff', { what: 'a JPEG picture', mediaType: 'image/jpeg', extension: '.jpg', format: 'jpeg' }),
  at(0, 'GIF87a', { what: 'a GIF picture', mediaType: 'image/gif', extension: '.gif', format: 'gif' }),
  at(0, 'GIF89a', { what: 'a GIF picture', mediaType: 'image/gif', extension: '.gif', format: 'gif' }),
  riff('WEBP', { what: 'a WebP picture', mediaType: 'image/webp', extension: '.webp', format: 'webp' }),
  riff('AVI ', { what: 'an AVI video', mediaType: 'video/x-msvideo', extension: '.avi' }),
  riff('WAVE', { what: 'a WAV sound', mediaType: 'audio/wav', extension: '.wav' }),
  at(0, 'BM', { what: 'a BMP picture', mediaType: 'image/bmp', extension: '.bmp' }),
  at(0, 'II*\0', { what: 'a TIFF or raw camera picture', mediaType: 'image/tiff', extension: '.tif' }),
  at(0, 'MM\0*', { what: 'a TIFF or raw camera picture', mediaType: 'image/tiff', extension: '.tif' }),
  at(0, '8BPS', { what: 'a Photoshop file', mediaType: 'image/vnd.adobe.photoshop', extension: '.psd' }),
  at(0, '\xff\x0a', { what: 'a JPEG XL picture', mediaType: 'image/jxl', extension: '.jxl' }),
  at(0, '\0\0\0\x0cJXL ', { what: 'a JPEG XL picture', mediaType: 'image/jxl', extension: '.jxl' }),
  at(0, '\0\0\0\x0cjP  ', { what: 'a JPEG 2000 picture', mediaType: 'image/jp2', extension: '.jp2' }),
  at(0, '\0\0\x01\0', { what: 'an icon', mediaType: 'image/x-icon', extension: '.ico' }),
  at(0, '%PDF-', { what: 'a PDF document', mediaType: 'application/pdf', extension: '.pdf' }),
  at(0, 'PK\x03\x04', { what: 'a zip archive or an office document', mediaType: 'application/zip', extension: '.zip' }),
  at(0, 'PK\x05\x06', { what: 'an empty zip archive', mediaType: 'application/zip', extension: '.zip' }),
  at(0, 'Rar!', { what: 'a RAR archive', mediaType: 'application/vnd.rar', extension: '.rar' }),
  at(0, '7z\xbc\xaf', { what: 'a 7z archive', mediaType: 'application/x-7z-compressed', extension: '.7z' }),
  at(0, '\x1f\x8b', { what: 'a gzip archive', mediaType: 'application/gzip', extension: '.gz' }),
  at(0, '\x1aE\xdf\xa3', { what: 'a WebM or Matroska video', mediaType: 'video/webm', extension: '.webm' }),
  at(0, 'OggS', { what: 'an Ogg sound or video', mediaType: 'application/ogg', extension: '.ogg' }),
  at(0, 'ID3', { what: 'an MP3 sound', mediaType: 'audio/mpeg', extension: '.mp3' }),
  at(0, 'fLaC', { what: 'a FLAC sound', mediaType: 'audio/flac', extension: '.flac' }),
  at(0, 'MZ', { what: 'a Windows program', mediaType: 'application/octet-stream', extension: '.exe' }),
  at(0, '\x7fELF', { what: 'a program', mediaType: 'application/octet-stream', extension: '' }),
];

const UNKNOWN: FileKind = { what: 'a file of an unknown kind', mediaType: 'application/octet-stream', extension: '' };
const TEXT: FileKind = { what: 'a text file', mediaType: 'text/plain', extension: '.txt' };
const HTML: FileKind = { what: 'a web page', mediaType: 'text/html', extension: '.html' };
const SVG: FileKind = { what: 'an SVG drawing', mediaType: 'image/svg+xml', extension: '.svg' };

/** Needs the first `SNIFFED_BYTES` of the file; more does not matter. */
export function kindOf(bytes: Uint8Array): FileKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFFED_BYTES)).toString('latin1');
  const known = MAGIC.find(({ parts }) => parts.every(([offset, magic]) => head.startsWith(magic, offset)));
  if (known) return known.kind;
  return isoMediaKind(head) ?? textKind(head) ?? UNKNOWN;
}

/** AVIF, HEIC, MP4 and QuickTime share one container; its first box, `ftyp`, lists the brands that the file keeps to. */
function isoMediaKind(head: string): FileKind | undefined {
  if (!head.startsWith('ftyp', 4)) return undefined;
  const boxLength = Buffer.from(head.slice(0, 4), 'latin1').readUInt32BE(0);
  const [major = '', , ...compatible] = head.slice(8, boxLength).match(/[^]{4}/g) ?? [];
  const brands = new Set([major, ...compatible]);
  const has = (...wanted: string[]) => wanted.some((brand) => brands.has(brand));
  if (has('avif', 'avis')) {
    return { what: 'an AVIF picture', mediaType: 'image/avif', extension: '.avif', format: 'avif' };
  }
  if (has('heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1')) {
    return { what: 'a HEIC photo', mediaType: 'image/heic', extension: '.heic' };
  }
  if (major === 'qt  ') return { what: 'a QuickTime video', mediaType: 'video/quicktime', extension: '.mov' };
  return { what: 'an MP4 video or sound', mediaType: 'video/mp4', extension: '.mp4' };
}

function textKind(head: string): FileKind | undefined {
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(text)) return HTML;
  if (/^<(?:\?xml|!--|!doctype|svg)/i.test(text) && /<svg\b|<!doctype\s+svg/i.test(text)) return SVG;
  // oxlint-disable-next-line no-control-regex -- control characters are what tells a binary file from a text
  const looksBinary = /[\0-\x08\x0b\x0e-\x1f]/.test(head);
  return head.length > 0 && !looksBinary ? TEXT : undefined;
}

function at(offset: number, magic: string, kind: FileKind): (typeof MAGIC)[number] {
  return { parts: [[offset, magic]], kind };
}

function riff(form: string, kind: FileKind): (typeof MAGIC)[number] {
  return {
    parts: [
      [0, 'RIFF'],
      [8, form],
    ],
    kind,
  };
}
