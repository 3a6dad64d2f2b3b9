import { ComponentType } from 'discord-api-types/v10';
import { notice, problemNotice } from './card.ts';
import { block } from './markdown.ts';
import type { Call, OutgoingMessage, Port, Visibility } from './port.ts';
import type { Typed } from './reply-note.ts';
import { text } from './text.ts';

/** What nothing became of, and how it is told. */
interface Refused {
  readonly call: Call;
  readonly sentence: string;
  readonly typed: Typed | undefined;
  /** who sees what is said of it */
  readonly visibility: Visibility;
  /** how it is told, where it is not the first answer */
  readonly say?: (message: OutgoingMessage) => Promise<unknown>;
}

/**
 * Says why nothing became of what somebody asked for, and gives back what they typed: beside the reason where nobody else
 * sees it and there is room, else in a message of its own, since what was typed for a public answer is nobody's business
 * before there is a job that shows it.
 */
export async function giveBack(port: Pick<Port, 'answer' | 'followUp'>, refused: Refused): Promise<void> {
  const { call, sentence, visibility, say = (message) => port.answer(call, message, visibility) } = refused;
  const typed = (refused.typed ?? []).filter(([, words]) => words.trim() !== '');
  const isTogether = visibility === 'private' && fits(sentence, typed);
  await say(problemNotice(isTogether ? withWords(sentence, typed) : sentence));
  if (isTogether || typed.length === 0) return;
  await port.followUp(call, wordsMessage(typed), 'private', 'twice');
}

/** As a file as well, where a message does not hold them. */
function wordsMessage(typed: Typed): OutgoingMessage {
  const { components } = notice(withWords(text.typedBack, typed));
  if (fits(text.typedBack, typed)) return { components };
  const all = typed.map(([option, words]) => `${option}:\n\n${words}\n`).join('\n\n');
  const bytes = new TextEncoder().encode(all);
  const file = { name: 'words.txt', mediaType: 'text/plain', description: text.typedFile, bytes };
  const shown = { type: ComponentType.File as const, file: { url: `attachment://${file.name}` } };
  return { components: [...components, shown], files: [file] };
}

/** Discord's 4000 characters of all texts of a message, and a little less. */
const MOST = 3900;
/** An option's name, of which every character may need a backslash, and the marks around it and its block. */
const AROUND_BLOCK = 80;
const LEAST_IN_BLOCK = 20;

function roomBeside(sentence: string, typed: Typed): number {
  return MOST - sentence.length - text.typed.length - typed.length * AROUND_BLOCK;
}

function fits(sentence: string, typed: Typed): boolean {
  return typed.reduce((sum, [, words]) => sum + words.length, 0) <= roomBeside(sentence, typed);
}

/** Each text whole where they fit together, else the short ones whole and the others cut alike. */
function withWords(sentence: string, typed: Typed): string {
  let room = roomBeside(sentence, typed);
  const lengths = new Map<Typed[number], number>();
  for (const [index, one] of typed.toSorted(([, a], [, b]) => a.length - b.length).entries()) {
    const length = Math.min(one[1].length, Math.floor(room / (typed.length - index)));
    lengths.set(one, length);
    room -= length;
  }
  const blocks = typed.flatMap((one) => {
    const [option, words] = one;
    const length = lengths.get(one) ?? 0;
    return length < Math.min(LEAST_IN_BLOCK, words.length) ? [] : [text.typedIn(option), block(words, length)];
  });
  return [sentence, ...(blocks.length > 0 ? [text.typed, ...blocks] : [])].join('\n');
}
