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

/** What is typed into a form: whoever gets it back whole finds its end. */
export function typedPromptOf(number: number, length: number): string {
  const { word, prompt } = promptOf(number);
  return `${prompt}${', who walks on'.repeat(length)}, ${endOf(word)}`;
}

function endOf(word: string): string {
  return `until ${word} waves`;
}

/** Whether a message gives back the words of a form. */
export function givesBack({ text }: Pick<SeenMessage, 'text'>, word: string): boolean {
  return text.includes('This is what you typed:') && text.includes(endOf(word));
}

/** Whether it says that a form is unknown, or that the bot could make nothing of it: neither is anybody's fault but its own. */
export function saysFormLost({ text }: Pick<SeenMessage, 'text'>): boolean {
  return /This form is not kept any more|Something went wrong in the bot itself/.test(text);
}

/** Whether it is a job's own message: a list of jobs or a refusal names prompts too, but has no title. */
export function isCard({ text }: Pick<SeenMessage, 'text'>): boolean {
  return /^### \/(?:character|animate)$/m.test(text) && wordOf(text) !== undefined;
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
