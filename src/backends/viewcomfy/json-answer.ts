import { BackendError } from '../../errors.ts';
import type { Answer } from '../http.ts';

/**
 * Reads a JSON answer whole, where no result files are to be expected in it.
 * @throws BackendError `unintelligible` for another kind of answer, `cut` for the start of one, `too-large`
 */
export async function readJson(answer: Answer, maxBytes: number): Promise<unknown> {
  if (!isJson(answer)) throw notViewComfy(answer);
  const chunks: Buffer[] = [];
  let left = maxBytes;
  for await (const chunk of answer.body) {
    left -= chunk.length;
    if (left < 0) throw new BackendError(`an answer of more than ${maxBytes} bytes`, { type: 'too-large' });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new BackendError('an answer that is not whole', { type: 'cut', cause });
  }
}

export function isJson({ contentType }: Answer): boolean {
  return /[/+]json$/.test(contentType);
}

/** Most often a page for people: of a gateway, or of something else at that address. */
export function notViewComfy({ contentType }: Answer): BackendError {
  return new BackendError(`an answer of type ${contentType || 'none'} is not ViewComfy's`, { type: 'unintelligible' });
}
