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
