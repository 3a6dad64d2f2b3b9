import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { StoredFile } from '../recipes/recipe.ts';

/** What is posted: its length is known, and its body can be made again when it is asked for a second time. */
export interface Payload {
  readonly contentType: string;
  /** bytes */
  readonly contentLength: number;
  body(): AsyncGenerator<Buffer>;
}

export interface MultipartContent {
  readonly files: Readonly<Record<string, StoredFile>>;
  readonly fields: Readonly<Record<string, string>>;
}

/** Files first, then fields, both in the order given. Files are read from disk as the body is. */
export async function createMultipart({ files, fields }: MultipartContent): Promise<Payload> {
  const boundary = `troupe-${randomBytes(24).toString('hex')}`;
  const parts: {
    readonly head: Buffer;
    readonly content: Buffer | { readonly path: string; readonly size: number };
  }[] = [];
  for (const [name, { name: fileName, mediaType, path }] of Object.entries(files)) {
    const { size } = await stat(path);
    const head = headOf(`name="${escape(name)}"; filename="${escape(fileName)}"\r\nContent-Type: ${mediaType}`);
    parts.push({ head, content: { path, size } });
  }
  for (const [name, value] of Object.entries(fields)) {
    parts.push({ head: headOf(`name="${escape(name)}"`), content: Buffer.from(value) });
  }
  const between = Buffer.from('\r\n');
  const tail = Buffer.from(`--${boundary}--\r\n`);

  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: parts.reduce((sum, { head, content }) => sum + head.length + sizeOf(content) + 2, tail.length),
    body,
  };

  function headOf(disposition: string): Buffer {
    return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`);
  }

  async function* body(): AsyncGenerator<Buffer> {
    for (const { head, content } of parts) {
      yield head;
      if (Buffer.isBuffer(content)) yield content;
      // The end is set, so that a file which grows meanwhile cannot break the length that was announced.
      else if (content.size > 0) yield* createReadStream(content.path, { end: content.size - 1 });
      yield between;
    }
    yield tail;
  }
}

export function createJson(value: unknown): Payload {
  const content = Buffer.from(JSON.stringify(value));
  return {
    contentType: 'application/json',
    contentLength: content.length,
    async *body() {
      yield content;
    },
  };
}

function sizeOf(content: Buffer | { readonly size: number }): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

/** As browsers do: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function escape(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
