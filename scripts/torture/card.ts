import type { SeenMessage } from './sight.ts';

/** What a person makes of a job's message. */

/** Each command's prompt has a word of its own, by which its job is found in messages, at the backend and in the database. */
const WORD = /\bzq\d+w\b/;

export function wordOf(text: string): string | undefined {
  return WORD.exec(text)?.[0];
}

export function promptOf(number: number): { word: string; prompt: string } {
  const word = `zq${number}w`;
  return { word, prompt: `a pilot named ${word} in a red scarf` };
}

/** Whether it is a job's own message: a list of jobs or a refusal names prompts too, but has no title. */
export function isCard({ text }: Pick<SeenMessage, 'text'>): boolean {
  return /^### \/character$/m.test(text) && wordOf(text) !== undefined;
}

export type Look = 'pictures' | 'under way' | 'cancelled' | 'sentence' | 'nothing';

/** How far a card says that its job is. */
export function lookOf({ text, pictures, buttons }: Pick<SeenMessage, 'text' | 'pictures' | 'buttons'>): Look {
  const lines = text.split('\n').filter((line) => !/^(?:### |> |-# )/.test(line) && line !== '');
  if (lines.some((line) => /^\*\*(?:Waiting|Running|In line|Sending)/.test(line))) return 'under way';
  if (buttons.some(({ label }) => label === 'Cancel')) return 'under way';
  if (pictures > 0) return 'pictures';
  if (lines.some((line) => line.startsWith('Cancelled'))) return 'cancelled';
  return lines.length > 0 ? 'sentence' : 'nothing';
}
