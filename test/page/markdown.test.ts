import { expect, test } from 'vitest';
import { parseMarkdown, type Block, type Inline } from '../../src/playground/page/markdown.ts';

/** A tree as short text: `strong(a em(b))`. */
function shown(blocks: readonly Block[]): string {
  return blocks.map(block).join(' / ');
}

function block(each: Block): string {
  switch (each.kind) {
    case 'paragraph':
      return inline(each.children);
    case 'small':
      return `small(${inline(each.children)})`;
    case 'heading':
      return `h${each.level}(${inline(each.children)})`;
    case 'quote':
      return `quote(${shown(each.blocks)})`;
    case 'list':
      return `${each.start ?? '*'}(${each.items.map(shown).join(', ')})`;
    case 'code-block':
      return `code-block:${each.language}(${each.text})`;
  }
}

function inline(items: readonly Inline[]): string {
  return items
    .map((item) => {
      if (item.kind === 'text') return item.text;
      if ('text' in item) return `${item.kind}(${item.text})`;
      if (item.kind === 'link') return `link:${item.href}(${inline(item.children)})`;
      if ('children' in item) return `${item.kind}(${inline(item.children)})`;
      if (item.kind === 'time') return `time:${item.at}:${item.style}`;
      return `${item.kind}:${'id' in item ? item.id : item.name}`;
    })
    .join('');
}

test.each([
  ['plain', 'plain'],
  ['**a** *b* _c_ __d__ ~~e~~', 'strong(a) em(b) em(c) underline(d) strike(e)'],
  ['***both***', 'strong(em(both))'],
  ['**a *b* c**', 'strong(a em(b) c)'],
  ['||**hidden**||', 'spoiler(strong(hidden))'],
  ['snake_case_name stays', 'snake_case_name stays'],
  ['2 * 3 * 4', '2 * 3 * 4'],
  ['**open', '**open'],
  [String.raw`\*a\* \<@1> \\`, String.raw`*a* <@1> \ `.trimEnd()],
  ['`**a**` ``b`c``', 'code(**a**) code(b`c)'],
  ['```ts\nconst a = `b`;\n```after', 'code-block:ts(const a = `b`;) / after'],
  ['```\n<b>\n```', 'code-block:(<b>)'],
  ['# a\n## b\n### c\n#### d\n#e', 'h1(a) / h2(b) / h3(c) / #### d\n#e'],
  ['-# small **print**', 'small(small strong(print))'],
  ['> a\n> b\nc', 'quote(a\nb) / c'],
  ['>>> a\nb', 'quote(a\nb)'],
  ['- a\n- b\n  - c\n- d', '*(a, b / *(c), d)'],
  ['- a\n3. b\n4. c', '*(a) / 3(b, c)'],
  [
    '<@12> <@!12> <@&3> <#4> @everyone </character:5> <a:dance:6>',
    'user:12 user:12 role:3 channel:4 everyone:everyone command:character emoji:dance',
  ],
  ['<t:1:R> <t:2>', 'time:1000:R time:2000:f'],
  ['see https://a.example/b?c=d.', 'see link:https://a.example/b?c=d(https://a.example/b?c=d).'],
  [
    '[**a**](https://a.example/) <https://b.example>',
    'link:https://a.example/(strong(a)) link:https://b.example/(https://b.example)',
  ],
  ['line\n\nline', 'line\n\nline'],
])('reads %j', (source, tree) => {
  expect(shown(parseMarkdown(source))).toBe(tree);
});

test.each([
  '[a](javascript:alert(1))',
  '<javascript:alert(1)>',
  '[a](data:text/html,<script>alert(1)</script>)',
  '[a](//evil.example)',
  '<img src=x onerror=alert(1)>',
])('leaves %j as text', (source) => {
  expect(shown(parseMarkdown(source))).toBe(source);
});

test.each(['*', '_', '|', '~', '`', '[', '<', '\\', '**a', '||a', '__*', '> ', '- ', '> - ', 'http://', '[a](', '_a*'])(
  'reads thousands of %j in a moment',
  (piece) => {
    const source = piece.repeat(Math.floor(6000 / piece.length));
    const before = performance.now();
    parseMarkdown(source);
    expect(performance.now() - before).toBeLessThan(1000);
  },
);
