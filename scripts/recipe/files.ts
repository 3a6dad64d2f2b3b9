import { linkOf, nodeName, parameterKey, type Workflow } from '../../src/recipes/workflow.ts';
import type { Candidate } from './draft.ts';
import { describe, sentenceFrom } from './names.ts';
import { ownTitle } from './titles.ts';

/** The largest side that most models draw; people's pictures are made smaller, never larger. */
export const USUAL_SIDE = 2048;

const MASK_DESCRIPTION = 'White or transparent where the picture is to be changed';

type FileKind = 'picture' | 'mask' | 'video' | 'audio';

/** Nodes that load a file, and the input that holds its name: ComfyUI's own, and those of its Video Helper Suite. */
const LOADERS: readonly { nodes: RegExp; kind: FileKind; inputs: readonly string[]; words: string }[] = [
  {
    nodes: /load_?image_?mask/i,
    kind: 'mask',
    inputs: ['image'],
    words: 'A mask: white or transparent where it counts',
  },
  { nodes: /load_?image/i, kind: 'picture', inputs: ['image'], words: 'A picture to start from' },
  { nodes: /load_?video/i, kind: 'video', inputs: ['file', 'video'], words: 'A video to start from' },
  { nodes: /load_?audio/i, kind: 'audio', inputs: ['audio', 'file'], words: 'A sound to start from' },
];

/** Their input is no name of a file that was uploaded. */
const ELSEWHERE = /base64|url|path|folder|directory/i;

/** ComfyUI's `LoadImage` gives the picture, and then its transparency as a mask. */
const MASK_SLOT = 1;

export function isMaskLoader(kind: string): boolean {
  return /load_?image_?mask/i.test(kind);
}

/** The files that a workflow loads and makes use of. */
export function fileCandidates(workflow: Workflow, notes: string[]): Candidate[] {
  const links = Object.values(workflow).flatMap(({ inputs }) =>
    Object.values(inputs).flatMap((value) => linkOf(value) ?? []),
  );
  const used = new Set(links.map(({ node }) => node));
  const masked = new Set(links.filter(({ slot }) => slot === MASK_SLOT).map(({ node }) => node));
  const pictures = new Map<string, Candidate>();
  const asked = Object.entries(workflow).flatMap(([node, { class_type: kind, inputs }]) => {
    const loader = LOADERS.find(({ nodes }) => nodes.test(kind));
    if (!loader || !used.has(node)) return [];
    const input = loader.inputs.find((name) => typeof inputs[name] === 'string');
    if (input === undefined || ELSEWHERE.test(kind)) {
      notes.push(`${nodeName(workflow, node)} keeps the workflow's own files: it takes none that is uploaded.`);
      return [];
    }
    const title = ownTitle(workflow, node);
    const candidate: Candidate = {
      names: [title ?? (loader.kind === 'picture' ? 'image' : loader.kind)],
      option: {
        ...(loader.kind === 'picture' ? { kind: loader.kind, maxSide: USUAL_SIDE } : { kind: loader.kind }),
        required: true,
        description: describe(sentenceFrom(title ?? '') || loader.words),
        parameters: [parameterKey(node, input)],
      },
      reason: `the ${loader.kind === 'audio' ? 'sound' : loader.kind} of ${nodeName(workflow, node)}`,
    };
    if (loader.kind !== 'picture') return [{ candidate, file: String(inputs[input]) }];
    pictures.set(String(inputs[input]), candidate);
    return masked.has(node)
      ? [{ candidate }, { candidate: maskOf(candidate, nodeName(workflow, node)) }]
      : [{ candidate }];
  });
  // A picture and a mask that are one file are about each other.
  return asked.map(({ candidate, file }: { candidate: Candidate; file?: string }) => {
    const of = candidate.option.kind === 'mask' && file !== undefined ? pictures.get(file) : undefined;
    return of ? { ...candidate, of } : candidate;
  });
}

/** A mask that becomes the transparency of a picture. */
export function maskOf(picture: Candidate, node?: string): Candidate {
  const [name = 'image'] = picture.names;
  return {
    names: [/^image$/i.test(name.trim()) ? 'mask' : `${name} mask`, 'mask'],
    option: { kind: 'mask', description: MASK_DESCRIPTION, parameters: [] },
    of: picture,
    ...(node !== undefined && { reason: `the mask that ${node} gives` }),
  };
}
