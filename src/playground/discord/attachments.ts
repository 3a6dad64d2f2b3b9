import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AttachmentFlags, type APIAttachment } from 'discord-api-types/v10';
import sharp from 'sharp';
import type { Clock } from '../../clock.ts';

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
  read(path: string, query: URLSearchParams): Promise<{ bytes: Buffer; mediaType: string } | undefined>;
  /** Removes every file. */
  close(): void;
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
  folder: parent = tmpdir(),
}: {
  clock: Clock;
  newId: () => string;
  baseUrl: () => string;
  /** of all files together, on disk; beyond that the oldest are gone, as behind an expired address */
  mostBytes: number;
  /** has the folder of the files while this runs; default: the system's for temporary files */
  folder?: string;
}): Attachments {
  const secret = randomBytes(32);
  const folder = mkdtempSync(join(parent, 'playground-files-'));
  const bodies = new Map<string, { file: string; size: number; mediaType: string }>();
  let total = 0;
  // A process that just ends leaves nothing behind either.
  process.on('exit', clear);

  function clear() {
    rmSync(folder, { recursive: true, force: true });
  }

  function drop(path: string) {
    const body = bodies.get(path);
    if (!body) return;
    total -= body.size;
    bodies.delete(path);
    void rm(body.file, { force: true }).catch(() => {});
  }

  async function keep(file: UploadedFile, place: string, details: FileDetails = {}): Promise<StoredFile> {
    const id = newId();
    const given = details.filename ?? file.name;
    const filename = sanitizedName(given);
    const path = `/cdn/${place}/${id}/${filename}`;
    const body = { file: join(folder, id), size: file.bytes.length, mediaType: file.mediaType };
    const [measured] = await Promise.all([measure(file.bytes), writeFile(body.file, file.bytes)]);
    bodies.set(path, body);
    total += body.size;
    for (const oldest of bodies.keys()) {
      if (total <= mostBytes || oldest === path) break;
      drop(oldest);
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

  async function read(path: string, query: URLSearchParams) {
    const [expires, issued, hm] = [query.get('ex'), query.get('is'), query.get('hm')];
    if (expires === null || issued === null || hm === null) return;
    const expected = signature(path, expires, issued);
    const given = Buffer.from(hm, 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return;
    if (Number.parseInt(expires, 16) * 1000 < clock.now()) return;
    const body = bodies.get(path);
    if (!body) return;
    try {
      return { bytes: await readFile(body.file), mediaType: body.mediaType };
    } catch {
      // Dropped in this moment.
      return;
    }
  }

  function close() {
    process.off('exit', clear);
    clear();
  }

  return { keep, describe, read, forget: (file) => drop(file.path), close };
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
