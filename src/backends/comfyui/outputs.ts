import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { ResultOutput } from '../result-files.ts';

/** What a run gave, as ComfyUI's history and a worker's answer list it: under each node, in the order of the nodes. */
export interface Given {
  /** in the server's folders: what was saved; what was only shown where nothing was */
  readonly files: readonly GivenFile[];
  /** what nodes show as text, which is written nowhere */
  readonly texts: readonly GivenText[];
}

export interface GivenFile {
  readonly filename: string;
  readonly subfolder: string;
  /** of the server's folder: `output` or `temp` */
  readonly type: string;
  readonly node: string;
}

export interface GivenText {
  readonly text: string;
  readonly node: string;
}

const OutputFile = z.object({
  filename: z.string().min(1),
  subfolder: z.string().nullish(),
  type: z.string().nullish(),
});
const Outputs = z.record(z.string(), z.record(z.string(), z.unknown()).nullable());

/** The largest workflows known show three; one that shows every line of a list would be a message for each. */
const MOST_TEXTS = 20;
/** Of one text. A novel has a million; more is a mistake of the workflow. */
const MOST_CHARACTERS = 1_000_000;

/** @throws BackendError `unintelligible` */
export function readOutputs(outputs: unknown): Given {
  const nodes = Outputs.safeParse(outputs ?? {});
  if (!nodes.success) {
    const cause = nodes.error;
    throw new BackendError('a list of outputs that is not ComfyUI’s', { type: 'unintelligible', cause });
  }
  const entries = Object.entries(nodes.data);
  const files = entries.flatMap(([node, output]) => filesOf(node, output ?? {}));
  const texts = entries.flatMap(([node, output]) => textsOf(output?.['text']).map((text) => ({ text, node })));
  // `temp` is what a person would see in ComfyUI's own page; the result only where nothing was saved.
  const saved = files.filter(({ type }) => type !== 'temp');
  return { files: saved.length > 0 ? saved : files, texts: texts.slice(0, MOST_TEXTS) };
}

/** Everything with a file name, under whatever name a node gives it: `images`, `gifs`, `audio`. */
function filesOf(node: string, output: Readonly<Record<string, unknown>>): GivenFile[] {
  return Object.values(output)
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .flatMap((item: unknown) => OutputFile.safeParse(item).data ?? [])
    .map(({ filename, subfolder, type }) => ({
      filename,
      subfolder: subfolder ?? '',
      type: type ?? 'output',
      node,
    }));
}

/** Each of a list is a text of its own, and those of nothing but blanks are none. */
function textsOf(shown: unknown): string[] {
  const list: unknown[] = [shown].flat(Infinity);
  const strings = list.filter((item) => typeof item === 'string');
  // A node that gives a string where ComfyUI wants a list has it taken apart: `get_output_data` in execution.py.
  const isTakenApart = strings.length > 1 && strings.every((text) => Array.from(text).length === 1);
  return (isTakenApart ? [strings.join('')] : strings)
    .filter((text) => text.trim() !== '')
    .map((text) => text.slice(0, MOST_CHARACTERS).toWellFormed());
}

/** Texts as files, named by their nodes: the same when a run is found again, whose workflow nobody knows then. */
export function textOutputs(texts: readonly GivenText[]): ResultOutput[] {
  return texts.map(({ text, node }) => ({
    name: `text_${node}.txt`,
    mediaType: 'text/plain',
    size: undefined,
    data: Buffer.from(text).toString('base64'),
    url: undefined,
    node,
  }));
}
