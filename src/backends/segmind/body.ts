import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BackendError } from '../../errors.ts';
import type { Payload } from '../payload.ts';
import type { Order, Wish } from './wish.ts';

/** Read at once: three bytes are four characters, so only the last piece of a file has padding. */
const PIECE = 3 * 64 * 1024;

/**
 * The JSON of one request. The pictures are read from disk and encoded while it is sent, so that no more of them than a
 * piece is in memory, however large they are and however many runs there are.
 */
export async function createBody({ face, pose }: Pick<Wish, 'face' | 'pose'>, { attributes }: Order): Promise<Payload> {
  const pictures = [
    { head: '{"face_image":"', path: face.path, size: await sizeOf(face.path) },
    { head: '","pose_image":"', path: pose.path, size: await sizeOf(pose.path) },
  ];
  const tail = Buffer.from(`",${JSON.stringify(attributes).slice(1)}`);
  return {
    contentType: 'application/json',
    contentLength: pictures.reduce((sum, { head, size }) => sum + head.length + 4 * Math.ceil(size / 3), tail.length),
    async *body() {
      for (const { head, path, size } of pictures) {
        yield Buffer.from(head);
        yield* encode(path, size);
      }
      yield tail;
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (size === 0) throw unreadable();
  return size;
}

function unreadable(cause?: unknown): BackendError {
  const detail = 'a picture to be sent cannot be read';
  return new BackendError(detail, { type: 'invalid', billed: 'no', detail, cause });
}

/** Up to the size that was announced, so that a file which grows meanwhile cannot break it. */
async function* encode(path: string, size: number): AsyncGenerator<Buffer> {
  let left: Buffer = Buffer.alloc(0);
  const file: AsyncIterable<Buffer> = createReadStream(path, { end: size - 1, highWaterMark: PIECE });
  for await (const chunk of file) {
    const bytes = left.length > 0 ? Buffer.concat([left, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % 3);
    if (whole > 0) yield Buffer.from(bytes.toString('base64', 0, whole), 'latin1');
    left = bytes.subarray(whole);
  }
  if (left.length > 0) yield Buffer.from(left.toString('base64'), 'latin1');
}
