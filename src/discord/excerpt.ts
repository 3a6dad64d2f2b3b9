import { open } from 'node:fs/promises';
import { kindOf } from '../pictures/kind.ts';
import { block } from './markdown.ts';

/** A result that is text, as far as a message shows it. */
export interface Excerpt {
  /** ready to be shown */
  readonly block: string;
  /** whether nothing is left out */
  readonly isWhole: boolean;
}

/** Enough for a text that is shown whole: a character has 4 bytes at most, and invisible ones are not shown. */
const READ_BYTES = 16 * 1024;
/** A quarter of what all words of a message may have, and about what fits on a screen. */
const WHOLE = { characters: 1000, lines: 20 };
/** Of a longer one, which comes as a file. */
const BEGINNING = { characters: 300, lines: 5 };

/** undefined for what is no text, or none that could be shown: in another encoding, or without a word. */
export async function excerptOf(path: string): Promise<Excerpt | undefined> {
  await using file = await open(path);
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, 0);
  const bytes = buffer.subarray(0, bytesRead);
  if (kindOf(bytes).mediaType !== 'text/plain') return undefined;
  const words = decoded(bytes, bytesRead < size);
  if (words === undefined) return undefined;
  const shown = trimmed(words);
  if (!/[^\s\p{C}]/u.test(shown)) return undefined;
  const isWhole = bytesRead === size && shown.length <= WHOLE.characters && shown.split('\n').length <= WHOLE.lines;
  return { block: block(isWhole ? shown : beginning(shown), WHOLE.characters), isWhole };
}

/** With the ends of lines that every system has, and without blank lines around them. */
function trimmed(words: string): string {
  return words
    .replaceAll(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd();
}

/** @param isCut the last character may be one too, and is left out then */
function decoded(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return undefined;
  }
}

function beginning(words: string): string {
  const lines = words.split('\n').slice(0, BEGINNING.lines).join('\n');
  const characters = Array.from(lines).slice(0, BEGINNING.characters).join('');
  return `${characters.trimEnd()}…`;
}
