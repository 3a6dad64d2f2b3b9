import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { tmpdir } from 'node:os';
import { AttachmentFlags, type APIAttachment } from 'discord-api-types/v10';
import sharp from 'sharp';
import type { Clock } from '../../clock.ts';
import { createByteStore, type KeptBytes } from './byte-store.ts';

/** A file that came with a request. */
export interface UploadedFile {
  /** the part's name: `files[0]` of the bot, an option's name of a person */
  field: string;
  name: string;
  mediaType: string;
  bytes: Buffer;
}

/** A file as it is kept; what a client reads of it is made afresh by `describe`, because its address expires. */
export interface StoredFile {
  id: string;
  /** the address without host and signature */
  path: string;
  filename: string;
  title: string | undefined;
  description: string | undefined;
  spoiler: boolean;
  mediaType: string;
  size: number;
  width: number | undefined;
  height: number | undefined;
  ephemeral: boolean;
}

export interface Attachments {
  /** Keeps a file. `place` is `attachments/<channel>` or, for what people upload, `ephemeral-attachments/<application>`. */
  keep(file: UploadedFile, place: string, details?: FileDetails): Promise<StoredFile>;
  describe(file: StoredFile): APIAttachment;
  forget(file: StoredFile): void;
  /** the file behind an address, `undefined` where there is none or the signature has expired or is wrong */
  find(path: string, query: URLSearchParams): FoundFile | undefined;
  /** Frees what is on disk. */
  close(): void;
}

interface FoundFile {
  readonly mediaType: string;
  readonly size: number;
  /** All of it, or a part. `undefined`: it had to make room */
  readonly read: KeptBytes['read'];
}

interface FileDetails {
  filename?: string | null | undefined;
  title?: string | null | undefined;
  description?: string | null | undefined;
  spoiler?: boolean | null | undefined;
}

// Addresses of attachments live about 24 hours; `ex` and `is` are hexadecimal seconds.
const LINK_LIFE_MS = 24 * 60 * 60 * 1000;
const LONGEST_NAME = 150;

export function createAttachments({
  clock,
  newId,
  baseUrl,
  mostBytes,
}: {
  clock: Clock;
  newId: () => string;
  baseUrl: () => string;
  /** of all files together, on disk; beyond that the oldest are gone, as behind an expired address */
  mostBytes: number;
}): Attachments {
  const secret = randomBytes(32);
  const store = createByteStore({ folder: tmpdir(), mostBytes });
  const bodies = new Map<string, { kept: KeptBytes; mediaType: string; size: number }>();

  function drop(path: string) {
    bodies.get(path)?.kept.forget();
    bodies.delete(path);
  }

  async function keep(file: UploadedFile, place: string, details: FileDetails = {}): Promise<StoredFile> {
    const id = newId();
    const given = details.filename ?? file.name;
    const filename = sanitizedName(given);
    const path = `/cdn/${place}/${id}/${filename}`;
    const [measured, kept] = await Promise.all([measure(file.bytes), store.keep(file.bytes)]);
    bodies.set(path, { kept, mediaType: file.mediaType, size: file.bytes.length });
    for (const [oldest, body] of bodies) {
      if (!body.kept.isGone()) break;
      bodies.delete(oldest);
    }
    return {
      id,
      path,
      filename,
      title: details.title ?? (filename === given ? undefined : given.replace(/\.[^.]*$/u, '')),
      description: details.description ?? undefined,
      spoiler: details.spoiler === true || filename.startsWith('SPOILER_'),
      mediaType: file.mediaType,
      size: file.bytes.length,
      ephemeral: place.startsWith('ephemeral-'),
      ...measured,
    };
  }

  function signature(path: string, expires: string, issued: string): Buffer {
    return createHmac('sha256', secret).update(`${path}?${expires}&${issued}`).digest();
  }

  function address(file: StoredFile): string {
    const issued = Math.floor(clock.now() / 1000).toString(16);
    const expires = Math.floor((clock.now() + LINK_LIFE_MS) / 1000).toString(16);
    const hm = signature(file.path, expires, issued).toString('hex');
    return `${baseUrl()}${file.path}?ex=${expires}&is=${issued}&hm=${hm}&`;
  }

  function describe(file: StoredFile): APIAttachment {
    const url = address(file);
    return {
      id: file.id,
      filename: file.filename,
      size: file.size,
      url,
      proxy_url: url,
      content_type: file.mediaType,
      ...(file.width === undefined ? {} : { width: file.width, height: file.height ?? null }),
      ...(file.title === undefined ? {} : { title: file.title }),
      ...(file.description === undefined ? {} : { description: file.description }),
      ...(file.ephemeral ? { ephemeral: true } : {}),
      ...(file.spoiler ? { flags: AttachmentFlags.IsSpoiler } : {}),
    };
  }

  function find(path: string, query: URLSearchParams): FoundFile | undefined {
    const [expires, issued, hm] = [query.get('ex'), query.get('is'), query.get('hm')];
    if (expires === null || issued === null || hm === null) return undefined;
    const expected = signature(path, expires, issued);
    const given = Buffer.from(hm, 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    if (Number.parseInt(expires, 16) * 1000 < clock.now()) return undefined;
    const body = bodies.get(path);
    return body && { mediaType: body.mediaType, size: body.size, read: body.kept.read };
  }

  return { keep, describe, find, forget: (file) => drop(file.path), close: store.close };
}

/** A name as Discord keeps it: ASCII letters, digits, `_`, `-` and `.`; spaces become `_`, anything else goes. */
export function sanitizedName(name: string): string {
  const kept = name
    .replaceAll(/\s+/gu, '_')
    .replaceAll(/[^\w.-]/gu, '')
    .slice(-LONGEST_NAME);
  const extension = /\.\w+$/u.exec(kept)?.[0] ?? '';
  const stem = kept.slice(0, kept.length - extension.length).replace(/^\.+/u, '');
  return `${/[a-z0-9]/iu.test(stem) ? stem : 'unknown'}${extension}`;
}

async function measure(bytes: Buffer): Promise<{ width: number | undefined; height: number | undefined }> {
  try {
    const { width, height } = await sharp(bytes).metadata();
    return { width, height };
  } catch {
    return { width: undefined, height: undefined };
  }
}
