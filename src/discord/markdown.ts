/**
 * Words of others, made safe to show: they mention nobody, link nowhere and format nothing.
 */

/** Control characters, line breaks, invisible and text-turning characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** One line of plain text of at most `length` characters: Discord takes a backslash before any ASCII punctuation. */
export function plain(text: string, length: number): string {
  return cut(text, length).replaceAll(/[!-/:-@[-`{-~]/g, String.raw`\$&`);
}

/** The same in the typewriter face, where nothing but a backtick means anything. */
export function code(text: string, length: number): string {
  const inner = cut(text, length).replaceAll('`', 'ˋ');
  return inner === '' ? '' : `\`${inner}\``;
}

/** One line of at most `length` characters, for places where no markdown is read. */
export function shortened(text: string, length: number): string {
  return cut(text, length);
}

/** Control characters and text-turning ones, but not the ends of lines. */
const UNSEEN_IN_LINES = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Several lines in the typewriter face, of at most `length` UTF-16 units, which a person can copy as they were. */
export function block(text: string, length: number): string {
  const words = text.replaceAll(UNSEEN_IN_LINES, '').replaceAll(/`{3,}/g, (run) => 'ˋ'.repeat(run.length));
  return `\`\`\`\n${words.length <= length ? words : `${withinUnits(words, length - 1)}…`}\n\`\`\``;
}

/** Never ends within a character. */
function withinUnits(text: string, length: number): string {
  const end = text.slice(0, length);
  return end.isWellFormed() ? end : end.slice(0, -1);
}

function cut(text: string, length: number): string {
  const line = text.replaceAll(UNSEEN, ' ').replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length <= length
    ? line
    : `${characters
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`;
}

/** A moment that Discord shows as "3 minutes ago" and keeps counting by itself, so that no edit is needed for it. */
export function moment(ms: number): string {
  return `<t:${Math.floor(ms / 1000)}:R>`;
}
