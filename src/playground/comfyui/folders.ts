import type { FormFile } from '../viewcomfy/form.ts';

/** ComfyUI's folders, in memory. */
export interface Folders {
  /** @returns the name under which it is kept: another one where other bytes have it */
  upload(file: FormFile, fields: ReadonlyMap<string, string>): { name: string; subfolder: string; type: string };
  save(type: string, subfolder: string, name: string, bytes: Buffer): void;
  get(type: string, subfolder: string, name: string): Buffer | undefined;
  /** What a loader's input names: `name`, `subfolder/name`, either with ` [temp]` behind it. */
  load(annotated: string): Buffer | undefined;
  /** The next number of files that begin so. */
  count(prefix: string): number;
  clear(type: string): void;
  readonly uploads: number;
}

export function createFolders(): Folders {
  const files = new Map<string, Buffer>();
  const counts = new Map<string, number>();
  let uploads = 0;
  const pathOf = (type: string, subfolder: string, name: string) =>
    `${type}/${subfolder ? `${subfolder}/` : ''}${name}`;

  function isFree(path: string, bytes: Buffer, overwrite = ''): boolean {
    return (files.get(path)?.equals(bytes) ?? true) || overwrite === 'true' || overwrite === '1';
  }

  return {
    upload({ filename, bytes }, fields) {
      uploads += 1;
      const [type, subfolder] = [fields.get('type') ?? 'input', fields.get('subfolder') ?? ''];
      const [, stem = filename, extension = ''] = /^(.*?)(\.[^.]*)?$/s.exec(filename) ?? [];
      let name = filename;
      for (let copy = 1; !isFree(pathOf(type, subfolder, name), bytes, fields.get('overwrite')); copy += 1) {
        name = `${stem} (${copy})${extension}`;
      }
      files.set(pathOf(type, subfolder, name), bytes);
      return { name, subfolder, type };
    },
    save: (type, subfolder, name, bytes) => void files.set(pathOf(type, subfolder, name), bytes),
    get: (type, subfolder, name) => files.get(pathOf(type, subfolder, name)),
    load(annotated) {
      const [, name = annotated, type = 'input'] = /^(.*?)(?: \[(input|temp|output)\])?$/s.exec(annotated) ?? [];
      return files.get(pathOf(type, '', name));
    },
    count(prefix) {
      const count = (counts.get(prefix) ?? 0) + 1;
      counts.set(prefix, count);
      return count;
    },
    clear(type) {
      for (const path of files.keys()) if (path.startsWith(`${type}/`)) files.delete(path);
    },
    get uploads() {
      return uploads;
    },
  };
}
