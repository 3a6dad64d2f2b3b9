import { BackendError } from '../../errors.ts';
import { kindOf, SNIFFED_BYTES } from '../../pictures/kind.ts';
import { wordsOf } from '../detail.ts';
import type { Answer } from '../http.ts';
import type { Slabs } from '../slabs.ts';
import type { PictureFiles } from './picture-files.ts';
import { createPictureJson } from './picture-json.ts';

export interface AnswerReader {
  readonly files: PictureFiles;
  readonly slabs: Slabs;
  readonly signal: AbortSignal;
  /** for the service's own words */
  readonly clean: (text: string) => string | undefined;
}

/** Decoded at once before looking whether there is room. */
const PIECE = 256 * 1024;
/** Keys of an answer that nobody knows: as many are told as help. */
const SHOWN_KEYS = 8;
const LONGEST_KEY = 40;

/**
 * Reads the pictures of an answer into files. What it is, its first bytes say: the header is `image/jpeg` on the page of
 * a model that makes PNGs, and base64 may come whatever was asked for.
 * @throws BackendError `failed` where the service says why there is none, `unintelligible`, `cut`, `too-large`
 */
export async function readPictures({ body, contentType }: Answer, reader: AnswerReader): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  const head = await readHead(chunks);
  if (kindOf(head).format) await readBytes(head, chunks, reader);
  else if (/^\s*(?:$|["[{\w+/])/.test(head.toString('latin1'))) await readBase64(head, chunks, reader);
  else {
    throw new BackendError(`an answer of type ${contentType || 'none'} is not Segmind's`, { type: 'unintelligible' });
  }
}

type Chunks = AsyncIterator<Buffer>;

/** As much as tells what it is; less only where there is no more. */
async function readHead(chunks: Chunks): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let length = 0; length < SNIFFED_BYTES;) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(parts);
}

/** By pieces, each only once there is room for it. */
async function* piecesOf(head: Buffer, chunks: Chunks, { slabs, signal }: AnswerReader): AsyncGenerator<Buffer> {
  for (let chunk: Buffer | undefined = head; chunk; chunk = await nextOf(chunks)) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      signal.throwIfAborted();
      yield chunk.subarray(at, at + PIECE);
      await slabs.room();
    }
  }
}

async function nextOf(chunks: Chunks): Promise<Buffer | undefined> {
  const next = await chunks.next();
  return next.done ? undefined : next.value;
}

async function readBytes(head: Buffer, chunks: Chunks, reader: AnswerReader): Promise<void> {
  const file = reader.files.open();
  for await (const piece of piecesOf(head, chunks, reader)) {
    for (let at = 0; at < piece.length;) {
      const copied = piece.copy(file.room(), 0, at);
      file.advance(copied);
      at += copied;
    }
  }
}

async function readBase64(head: Buffer, chunks: Chunks, reader: AnswerReader): Promise<void> {
  let count = 0;
  const json = createPictureJson(() => {
    count += 1;
    return reader.files.open();
  });
  for await (const piece of piecesOf(head, chunks, reader)) json.write(piece);
  const rest = json.end();
  if (count === 0) throw withoutPictures(rest, reader.clean);
}

function withoutPictures(answer: unknown, clean: (text: string) => string | undefined): BackendError {
  const keys = typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? Object.keys(answer) : [];
  const words = clean(wordsOf(answer) ?? '');
  if (words !== undefined) return new BackendError('an answer with an error in it', { type: 'failed', detail: words });
  // Nothing at all, or an empty list where the pictures should be: it has understood, and has made none.
  if (answer === undefined || keys.some((key) => key === 'image' || key === 'images')) {
    return new BackendError('the run gave no pictures', { type: 'failed', detail: 'no pictures' });
  }
  const shown = keys.slice(0, SHOWN_KEYS).map((key) => key.slice(0, LONGEST_KEY));
  // The keys, and never what is in them: that may be anybody's picture.
  const detail = clean(
    shown.length > 0 ? `an answer with ${shown.join(', ')} and no picture` : 'an answer of no known kind',
  );
  return new BackendError(`an answer without a picture; its keys: ${shown.join(', ') || 'none'}`, {
    type: 'unintelligible',
    ...(detail !== undefined && { detail }),
  });
}
