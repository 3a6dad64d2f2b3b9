import { extname } from 'node:path';
import { kindOf } from '../pictures/kind.ts';

/** No path, no surprise for a file system or a Discord attachment, and still the name that the workflow gave. */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '');
  const extension = extname(plain).slice(0, 16);
  const stem = plain.slice(0, plain.length - extname(plain).length).slice(0, 80);
  return `${stem || 'file'}${extension}`;
}

/** Compared without case: some file systems do so too. */
export function uniqueName(name: string, taken: Set<string>): string {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  let unique = name;
  for (let copy = 2; taken.has(unique.toLowerCase()); copy += 1) unique = `${stem}-${copy}${extension}`;
  taken.add(unique.toLowerCase());
  return unique;
}

const BY_EXTENSION = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.webp', 'image/webp'],
  ['.gif', 'image/gif'],
  ['.mp4', 'video/mp4'],
  ['.webm', 'video/webm'],
  ['.mov', 'video/quicktime'],
  ['.mp3', 'audio/mpeg'],
  ['.wav', 'audio/wav'],
  ['.flac', 'audio/flac'],
  ['.ogg', 'audio/ogg'],
  ['.opus', 'audio/ogg'],
  ['.txt', 'text/plain'],
  ['.md', 'text/markdown'],
  ['.csv', 'text/csv'],
  ['.json', 'application/json'],
  ['.zip', 'application/zip'],
]);

/** What was given, where it is one; by the name's extension otherwise. */
export function mediaTypeOf(given: string | null | undefined, name: string): string {
  const type = given?.split(';', 1).join('').trim().toLowerCase() ?? '';
  if (/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(type)) return type;
  return BY_EXTENSION.get(extname(name).toLowerCase()) ?? 'application/octet-stream';
}

/**
 * What a file is by its first bytes, as far as they tell; what was said of it otherwise. Which kind of text it is only
 * its name or its sender knows.
 */
export function lookedAt(head: Uint8Array, said: string): string {
  const { mediaType } = kindOf(head);
  const isText = mediaType === 'text/plain' && /^text\/|[/+](?:json|xml|yaml)$/.test(said);
  return isText || mediaType === 'application/octet-stream' ? said : mediaType;
}
