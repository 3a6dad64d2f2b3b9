import { ComponentType } from 'discord-api-types/v10';
import { notice, problemNotice } from './card.ts';
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
  const isTogether = visibility === 'private' && text.hasRoomForTyped(sentence, typed);
  await say(problemNotice(isTogether ? text.withTyped(sentence, typed) : sentence));
  if (isTogether || typed.length === 0) return;
  await port.followUp(call, wordsMessage(typed), 'private', 'twice');
}

/** As a file as well, where a message does not hold them. */
function wordsMessage(typed: Typed): OutgoingMessage {
  const { components } = notice(text.withTyped(text.typedBack, typed));
  if (text.hasRoomForTyped(text.typedBack, typed)) return { components };
  const all = typed.map(([option, words]) => `${option}:\n\n${words}\n`).join('\n\n');
  const bytes = new TextEncoder().encode(all);
  const file = { name: 'words.txt', mediaType: 'text/plain', description: text.typedFile, bytes };
  const shown = { type: ComponentType.File as const, file: { url: `attachment://${file.name}` } };
  return { components: [...components, shown], files: [file] };
}
