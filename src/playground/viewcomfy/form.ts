import type { IncomingMessage } from 'node:http';

import { Busboy, type BusboyInstance } from '@fastify/busboy';

import { refuse } from './refusal.ts';

export interface FormFile {
  readonly filename: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, FormFile>;
}

/** More than any workflow has inputs. */
const MAX_PARTS = 1000;

/**
 * Reads a multipart body whole into memory. Of parts with the same name the last one wins.
 * @param maxBytes of the whole body
 * @throws Refusal 413 for a body that is too large, 400 for one that is not a whole multipart body
 */
export async function readForm(request: IncomingMessage, maxBytes: number): Promise<Form> {
  const contentType = request.headers['content-type'] ?? '';
  // FastAPI takes a body of another type for a form without fields, and then misses the fields.
  if (!/^multipart\/form-data\b/i.test(contentType)) return { fields: new Map(), files: new Map() };
  if (Number(request.headers['content-length']) > maxBytes) throw refuse(413, 'Request body is too large.');

  const fields = new Map<string, string>();
  const files = new Map<string, FormFile>();
  let parser: BusboyInstance;
  try {
    parser = new Busboy({
      headers: { ...request.headers, 'content-type': contentType },
      limits: { parts: MAX_PARTS, fieldSize: maxBytes },
    });
  } catch (error) {
    throw refuse(400, 'Missing boundary in multipart.', { cause: error });
  }

  await new Promise<void>((resolve, reject) => {
    let size = 0;
    function fail(error: Error): void {
      request.unpipe(parser);
      request.removeListener('data', count);
      // What is still to come is thrown away, so that the answer can be read by a client that is still sending.
      request.resume();
      reject(error);
    }
    function count(chunk: Buffer): void {
      size += chunk.length;
      if (size > maxBytes) fail(refuse(413, 'Request body is too large.'));
    }
    parser.on('field', (name, value) => {
      fields.set(name, value);
    });
    parser.on('file', (key, stream, filename, _encoding, mediaType) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', (error: Error) => fail(refuse(400, 'There was an error parsing the body', { cause: error })));
      stream.on('end', () => {
        files.set(key, { filename: filename || 'upload', mediaType, bytes: Buffer.concat(chunks) });
      });
    });
    parser.on('error', (error) => fail(refuse(400, 'There was an error parsing the body', { cause: error })));
    parser.on('finish', resolve);
    request.on('data', count);
    request.once('close', () => {
      if (!request.complete) fail(refuse(400, 'The client hung up.'));
    });
    request.pipe(parser);
  });
  return { fields, files };
}
