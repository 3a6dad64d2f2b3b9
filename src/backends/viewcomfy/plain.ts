import { BackendError } from '../../errors.ts';
import type { Answer } from '../http.ts';

/** Reads a body that is to be whole before anything can be made of it: a result, or a few words. */
export async function readWhole({ body }: Answer, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let left = maxBytes;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) throw new BackendError(`an answer of more than ${maxBytes} bytes`, { type: 'too-large' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function isJson({ contentType }: Answer): boolean {
  return /[/+]json$/.test(contentType);
}
