import { brandsOf, docTypeOf, hasOnlySounds, isAdts, isMp3, oggStreamOf, tracksOf } from './containers.ts';

/** What a file is by its first bytes. Names and headers that came with it are never asked: anybody can write those. */
export interface FileKind {
  /** with its article, to stand in a sentence: `a PDF document` */
  readonly what: string;
  readonly mediaType: string;
  /** with the dot */
  readonly extension: string;
  /** what people do with it, where it is to be seen or heard; whether Troupe can read it is another thing */
  readonly medium?: Medium;
  /** present where it is a picture that Troupe can read */
  readonly format?: PictureFormat;
}

type Medium = 'picture' | 'video' | 'audio';

export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

/** Enough to tell every kind below: two frames of an MP3 have up to 2882 bytes. */
export const SNIFFED_BYTES = 4096;

/** Bytes as latin1 text, at an offset; every part must match. The first row that matches is the kind. */
const MAGIC: readonly { readonly parts: readonly [number, string][]; readonly kind: FileKind }[] = [
  at(0, '\x89PNG\r\n\x1a\n', readable('png', 'a PNG picture', 'image/png', '.png')),
  at(0, '\xff\xd8\xff', readable('jpeg', 'a JPEG picture', 'image/jpeg', '.jpg')),
  at(0, 'GIF87a', readable('gif', 'a GIF picture', 'image/gif', '.gif')),
  at(0, 'GIF89a', readable('gif', 'a GIF picture', 'image/gif', '.gif')),
  chunked('RIFF', 'WEBP', readable('webp', 'a WebP picture', 'image/webp', '.webp')),
  chunked('RIFF', 'AVI ', video('an AVI video', 'video/x-msvideo', '.avi')),
  chunked('RIFF', 'WAVE', sound('a WAV sound', 'audio/wav', '.wav')),
  chunked('RF64', 'WAVE', sound('a WAV sound', 'audio/wav', '.wav')),
  chunked('FORM', 'AIFF', sound('an AIFF sound', 'audio/aiff', '.aiff')),
  chunked('FORM', 'AIFC', sound('an AIFF sound', 'audio/aiff', '.aiff')),
  at(0, 'BM', picture('a BMP picture', 'image/bmp', '.bmp')),
  at(0, 'II*\0', picture('a TIFF or raw camera picture', 'image/tiff', '.tif')),
  at(0, 'MM\0*', picture('a TIFF or raw camera picture', 'image/tiff', '.tif')),
  at(0, '8BPS', picture('a Photoshop file', 'image/vnd.adobe.photoshop', '.psd')),
  at(0, '\xff\x0a', picture('a JPEG XL picture', 'image/jxl', '.jxl')),
  at(0, '\0\0\0\x0cJXL ', picture('a JPEG XL picture', 'image/jxl', '.jxl')),
  at(0, '\0\0\0\x0cjP  ', picture('a JPEG 2000 picture', 'image/jp2', '.jp2')),
  at(0, '\0\0\x01\0', picture('an icon', 'image/x-icon', '.ico')),
  at(0, '%PDF-', other('a PDF document', 'application/pdf', '.pdf')),
  at(0, 'PK\x03\x04', other('a zip archive or an office document', 'application/zip', '.zip')),
  at(0, 'PK\x05\x06', other('an empty zip archive', 'application/zip', '.zip')),
  at(0, 'Rar!', other('a RAR archive', 'application/vnd.rar', '.rar')),
  at(0, '7z\xbc\xaf', other('a 7z archive', 'application/x-7z-compressed', '.7z')),
  at(0, '\x1f\x8b', other('a gzip archive', 'application/gzip', '.gz')),
  // The first box of a QuickTime file that is older than brands.
  box('moov', video('a QuickTime video', 'video/quicktime', '.mov')),
  box('mdat', video('a QuickTime video', 'video/quicktime', '.mov')),
  box('wide', video('a QuickTime video', 'video/quicktime', '.mov')),
  at(0, '\0\0\x01\xba', video('an MPEG video', 'video/mpeg', '.mpg')),
  at(0, '\0\0\x01\xb3', video('an MPEG video', 'video/mpeg', '.mpg')),
  at(0, 'FLV\x01', video('a Flash video', 'video/x-flv', '.flv')),
  // The sounds among them are told by parts that can be anywhere.
  at(0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11', video('a Windows Media file', 'video/x-ms-asf', '.asf')),
  at(0, 'ID3', sound('an MP3 sound', 'audio/mpeg', '.mp3')),
  at(0, 'fLaC', sound('a FLAC sound', 'audio/flac', '.flac')),
  at(0, '#!AMR', sound('an AMR sound', 'audio/amr', '.amr')),
  at(0, 'MZ', other('a Windows program', 'application/octet-stream', '.exe')),
  at(0, '\x7fELF', other('a program', 'application/octet-stream', '')),
];

const UNKNOWN = other('a file of an unknown kind', 'application/octet-stream', '');
const TEXT = other('a text file', 'text/plain', '.txt');
const HTML = other('a web page', 'text/html', '.html');
const SVG = picture('an SVG drawing', 'image/svg+xml', '.svg');

/** Needs the first `SNIFFED_BYTES` of the file; more does not matter. */
export function kindOf(bytes: Uint8Array): FileKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFFED_BYTES));
  const text = head.toString('latin1');
  const known = MAGIC.find(({ parts }) => parts.every(([offset, magic]) => text.startsWith(magic, offset)));
  if (known) return known.kind;
  return isoMediaKind(head) ?? matroskaKind(head) ?? oggKind(head) ?? streamKind(head) ?? textKind(text) ?? UNKNOWN;
}

const M4A = sound('an M4A sound', 'audio/mp4', '.m4a');
/** Recorders of some phones name the same brands for a sound as for a video. */
const MAY_BE_M4A = new Set(['video/mp4', 'video/3gpp', 'video/quicktime']);

/** Whether it takes the whole file to tell a video from a sound. */
export function mayBeSound({ mediaType }: FileKind): boolean {
  return MAY_BE_M4A.has(mediaType);
}

/** What a file is by its tracks, where its first bytes did not tell. */
export async function kindByTracks(path: string, kind: FileKind): Promise<FileKind> {
  if (!mayBeSound(kind)) return kind;
  const tracks = await tracksOf(path);
  return tracks.has('soun') && !tracks.has('vide') ? M4A : kind;
}

/** AVIF, HEIC, MP4, M4A and QuickTime share one container, and are told by the brands that the file keeps to. */
function isoMediaKind(head: Buffer): FileKind | undefined {
  const brands = brandsOf(head);
  if (!brands) return undefined;
  const [major] = brands;
  const has = (...wanted: string[]) => wanted.some((brand) => brands.includes(brand));
  if (has('avif', 'avis')) return readable('avif', 'an AVIF picture', 'image/avif', '.avif');
  if (has('heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1')) {
    return picture('a HEIC photo', 'image/heic', '.heic');
  }
  if (major === 'crx ') return picture('a raw camera picture', 'image/x-canon-cr3', '.cr3');
  if (major === 'qt  ') return video('a QuickTime video', 'video/quicktime', '.mov');
  if (/^M4[ABP] $/.test(major)) return M4A;
  // Videos of Apple name it among the brands as well.
  const isVideo = /^M4V|^3g[2p]/.test(major) || has('M4V ', 'avc1');
  if (!isVideo && has('M4A ', 'M4B ')) return M4A;
  if (/^3g[2p]/.test(major)) return video('a 3GP video', 'video/3gpp', '.3gp');
  return video('an MP4 video', 'video/mp4', '.mp4');
}

function matroskaKind(head: Buffer): FileKind | undefined {
  switch (docTypeOf(head)) {
    case 'webm':
      return hasOnlySounds(head)
        ? sound('a WebM sound', 'audio/webm', '.webm')
        : video('a WebM video', 'video/webm', '.webm');
    case 'matroska':
      return hasOnlySounds(head)
        ? sound('a Matroska sound', 'audio/x-matroska', '.mka')
        : video('a Matroska video', 'video/x-matroska', '.mkv');
    default:
      return undefined;
  }
}

function oggKind(head: Buffer): FileKind | undefined {
  switch (oggStreamOf(head)) {
    case 'video':
      return video('an Ogg video', 'video/ogg', '.ogv');
    case 'audio':
      return sound('an Ogg sound', 'audio/ogg', '.ogg');
    default:
      return head.toString('latin1', 0, 4) === 'OggS' ? other('an Ogg file', 'application/ogg', '.ogg') : undefined;
  }
}

function streamKind(head: Buffer): FileKind | undefined {
  if (isMp3(head)) return sound('an MP3 sound', 'audio/mpeg', '.mp3');
  return isAdts(head) ? sound('an AAC sound', 'audio/aac', '.aac') : undefined;
}

function textKind(head: string): FileKind | undefined {
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(text)) return HTML;
  if (/^<(?:\?xml|!--|!doctype|svg)/i.test(text) && /<svg\b|<!doctype\s+svg/i.test(text)) return SVG;
  // oxlint-disable-next-line no-control-regex -- control characters are what tells a binary file from a text
  const looksBinary = /[\0-\x08\x0b\x0e-\x1f]/.test(head);
  return head.length > 0 && !looksBinary ? TEXT : undefined;
}

function readable(format: PictureFormat, what: string, mediaType: string, extension: string): FileKind {
  return { what, mediaType, extension, medium: 'picture', format };
}

function picture(what: string, mediaType: string, extension: string): FileKind {
  return { what, mediaType, extension, medium: 'picture' };
}

function video(what: string, mediaType: string, extension: string): FileKind {
  return { what, mediaType, extension, medium: 'video' };
}

function sound(what: string, mediaType: string, extension: string): FileKind {
  return { what, mediaType, extension, medium: 'audio' };
}

function other(what: string, mediaType: string, extension: string): FileKind {
  return { what, mediaType, extension };
}

function at(offset: number, magic: string, kind: FileKind): (typeof MAGIC)[number] {
  return { parts: [[offset, magic]], kind };
}

/** Its length is before its name, and no text begins with a zero. */
function box(name: string, kind: FileKind): (typeof MAGIC)[number] {
  return {
    parts: [
      [0, '\0'],
      [4, name],
    ],
    kind,
  };
}

/** RIFF and its like: the form is behind the length. */
function chunked(container: string, form: string, kind: FileKind): (typeof MAGIC)[number] {
  return {
    parts: [
      [0, container],
      [8, form],
    ],
    kind,
  };
}
