/**
 * Discord's markdown as a tree. Only the tree: `markdown-view.ts` makes DOM of it, so no text of a message is ever
 * parsed as HTML.
 */
export type Inline =
  | { kind: 'text' | 'code'; text: string }
  | { kind: 'strong' | 'em' | 'underline' | 'strike' | 'spoiler'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] }
  | { kind: 'user' | 'role' | 'channel'; id: string }
  | { kind: 'everyone' | 'command' | 'emoji'; name: string }
  | { kind: 'time'; at: number; style: string };

export type Block =
  | { kind: 'paragraph' | 'small'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; start: number | undefined; items: Block[][] }
  | { kind: 'code-block'; language: string; text: string };

/** Deeper nesting is shown as plain text, so that hostile text cannot exhaust the stack. */
const maxDepth = 12;

type Rule = readonly [RegExp, (match: RegExpExecArray, depth: number) => Inline | undefined];

function wrapping(kind: 'strong' | 'em' | 'underline' | 'strike' | 'spoiler') {
  return ({ 1: inner = '' }: RegExpExecArray, depth: number): Inline => ({ kind, children: inline(inner, depth + 1) });
}

/** Tried in this order at every place where a special character stands. All are sticky; none backtracks exponentially. */
const rules: readonly Rule[] = [
  [/\\([^\p{L}\p{N}\s])/uy, ([, text = '']) => ({ kind: 'text', text })],
  [
    /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/y,
    ([, , text = '']) => ({ kind: 'code', text: text.replace(/^ (.+) $/s, '$1') }),
  ],
  [/\|\|([\s\S]+?)\|\|/y, wrapping('spoiler')],
  [/\*\*([\s\S]+?)\*\*(?!\*)/y, wrapping('strong')],
  [/\*(?![\s*])((?:\*\*|\\[\s\S]|[^*\\])+?)(?<!\s)\*(?!\*)/y, wrapping('em')],
  [/__([\s\S]+?)__(?!_)/y, wrapping('underline')],
  [/(?<![\p{L}\p{N}])_(?![\s_])((?:__|\\[\s\S]|[^_\\])+?)_(?![\p{L}\p{N}_])/uy, wrapping('em')],
  [/~~([\s\S]+?)~~/y, wrapping('strike')],
  [/<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/y, ([, at, style = 'f']) => ({ kind: 'time', at: Number(at) * 1000, style })],
  [/<@!?(\d{1,20})>/y, ([, id = '']) => ({ kind: 'user', id })],
  [/<@&(\d{1,20})>/y, ([, id = '']) => ({ kind: 'role', id })],
  [/<#(\d{1,20})>/y, ([, id = '']) => ({ kind: 'channel', id })],
  [/<\/([^:>\n]{1,100}):\d{1,20}>/y, ([, name = '']) => ({ kind: 'command', name })],
  [/<a?:(\w{1,32}):\d{1,20}>/y, ([, name = '']) => ({ kind: 'emoji', name })],
  [/@(everyone|here)\b/y, ([, name = '']) => ({ kind: 'everyone', name })],
  [
    /\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?(?: +"[^"\n]*")?\)/y,
    ([, label = '', url = ''], depth) => link(url, inline(label, depth + 1)),
  ],
  [/<(https?:\/\/[^\s>]+)>/y, ([, url = '']) => link(url)],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])}|*~]/y, ([url]) => link(url)],
];

/** Characters of plain text up to where a rule could match. */
const plain = /[^\\`|*_~<@[h]+/y;

function inline(source: string, depth = 0): Inline[] {
  const result: Inline[] = [];
  function add(item: Inline): void {
    const last = result.at(-1);
    if (item.kind === 'text' && last?.kind === 'text') last.text += item.text;
    else result.push(item);
  }
  let position = 0;
  while (position < source.length) {
    plain.lastIndex = position;
    const text = plain.exec(source)?.[0];
    if (text !== undefined) {
      add({ kind: 'text', text });
      position += text.length;
      continue;
    }
    const found = depth < maxDepth ? firstMatch(source, position, depth) : undefined;
    add(found?.item ?? { kind: 'text', text: source.charAt(position) });
    position += found?.length ?? 1;
  }
  return result;
}

function firstMatch(source: string, position: number, depth: number): { item: Inline; length: number } | undefined {
  for (const [pattern, make] of rules) {
    pattern.lastIndex = position;
    const match = pattern.exec(source);
    const item = match === null ? undefined : make(match, depth);
    if (match !== null && item !== undefined) return { item, length: match[0].length };
  }
  return undefined;
}

/** Only what `URL` takes for http or https becomes a link; anything else stays text. */
function link(url: string, children?: Inline[]): Inline | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  return { kind: 'link', href, children: children ?? [{ kind: 'text', text: url }] };
}

export function parseMarkdown(source: string, depth = 0): Block[] {
  const result: Block[] = [];
  const fence = /```(?:([\w+#.-]{1,30})\n|\n)?([\s\S]*?)```\n?/g;
  let position = 0;
  for (const match of source.matchAll(fence)) {
    result.push(...lineBlocks(source.slice(position, match.index).split('\n'), depth));
    result.push({ kind: 'code-block', language: match[1] ?? '', text: (match[2] ?? '').replace(/\n$/, '') });
    position = match.index + match[0].length;
  }
  result.push(...lineBlocks(source.slice(position).split('\n'), depth));
  return result;
}

const listItem = /^( *)(?:[-*]|(\d{1,9})\.) +(.*)$/;

function lineBlocks(lines: readonly string[], depth: number): Block[] {
  const result: Block[] = [];
  let paragraph: string[] = [];
  function endParagraph(): void {
    const text = paragraph.join('\n').replace(/^\n|\n$/g, '');
    if (text !== '') result.push({ kind: 'paragraph', children: inline(text) });
    paragraph = [];
  }
  /** The lines from `start` on for which `belongs` holds. */
  function run(start: number, belongs: (line: string) => boolean): readonly string[] {
    const end = lines.findIndex((line, at) => at >= start && !belongs(line));
    return lines.slice(start, end === -1 ? undefined : end);
  }

  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
    const small = /^-# +(\S.*)$/.exec(line);
    if (heading !== null) {
      endParagraph();
      result.push({ kind: 'heading', level: heading[1]?.length ?? 1, children: inline(heading[2] ?? '') });
    } else if (small !== null) {
      endParagraph();
      result.push({ kind: 'small', children: inline(small[1] ?? '') });
    } else if (depth < maxDepth && line.startsWith('>>> ')) {
      endParagraph();
      result.push({
        kind: 'quote',
        blocks: parseMarkdown([line.slice(4), ...lines.slice(at + 1)].join('\n'), maxDepth),
      });
      return result;
    } else if (depth < maxDepth && line.startsWith('> ')) {
      endParagraph();
      const quoted = run(at, (next) => next.startsWith('> '));
      result.push({ kind: 'quote', blocks: parseMarkdown(quoted.map((next) => next.slice(2)).join('\n'), maxDepth) });
      at += quoted.length - 1;
    } else if (listItem.test(line)) {
      endParagraph();
      const [, indent = '', number] = listItem.exec(line) ?? [];
      // A number after bullets, or the other way round, begins a new list; deeper lines belong to their item.
      const items = run(at, (next) => {
        const match = listItem.exec(next);
        if (match === null) return false;
        return (match[1] ?? '').length > indent.length || (match[2] === undefined) === (number === undefined);
      });
      result.push(list(items, 0));
      at += items.length - 1;
    } else {
      paragraph.push(line);
    }
  }
  endParagraph();
  return result;
}

/** `lines` are list items; those indented deeper than the first belong to the item before them. */
function list(lines: readonly string[], depth: number): Block {
  const first = listItem.exec(lines[0] ?? '');
  const indent = first?.[1]?.length ?? 0;
  const items: { text: string; below: string[] }[] = [];
  for (const line of lines) {
    const match = listItem.exec(line);
    const last = items.at(-1);
    if (last !== undefined && depth < maxDepth && (match?.[1]?.length ?? 0) > indent) last.below.push(line);
    else items.push({ text: match?.[3] ?? line, below: [] });
  }
  return {
    kind: 'list',
    start: first?.[2] === undefined ? undefined : Number(first[2]),
    items: items.map(({ text, below }) => [
      { kind: 'paragraph', children: inline(text) },
      ...(below.length > 0 ? [list(below, depth + 1)] : []),
    ]),
  };
}
