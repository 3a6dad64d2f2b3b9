import { extname } from 'node:path';

/** How the files of a result are called where people see them. */

/** ViewComfy's rule: of a name that begins with `__`, what is between the first and the last `__`. */
export function shownName(name: string): string {
  return /^__(.+)__/s.exec(name)?.[1] ?? name;
}

/** Bytes tell a family; which of it a file is only its name says: by the family's own extension, those that it may keep. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  '.txt': ['.csv', '.json', '.jsonl', '.log', '.md', '.srt', '.tsv', '.vtt', '.xml', '.yaml', '.yml', '.obj', '.ply'],
  '.zip': ['.3mf', '.cbz', '.docx', '.epub', '.npz', '.odp', '.ods', '.odt', '.pptx', '.usdz', '.xlsx'],
};

/** Whether a text was made to be a file, and not to be read in a message. */
export function isDataFile(name: string): boolean {
  return FAMILIES['.txt']?.includes(extname(name).toLowerCase()) ?? false;
}

/**
 * Discord changes other characters than these, and `attachment://` finds only the first file of a name.
 * @param extension what the bytes say, with the dot
 */
export function attachmentName(
  name: string,
  extension: string,
  taken: readonly { readonly name: string }[] = [],
): string {
  const own = extname(name).toLowerCase();
  const kept = FAMILIES[extension]?.includes(own) ? own : extension;
  const stem = plain(shownName(name).replace(/\.[^.]*$/, '')).replaceAll('.', '_');
  const wanted = `${stem || 'file'}${plain(kept)}`;
  return taken.some((file) => file.name === wanted) ? `${taken.length + 1}-${wanted}` : wanted;
}

/** The same for a name that has to stay as it is as far as it can, so that the pieces of a file can be joined. */
export function pieceName(name: string): string {
  return plain(name);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '_');
}
