/**
 * `npm run bench -- decode [--json] [--quick]`: how fast, with how much memory and how smoothly results are read.
 */
import { parseArgs } from 'node:util';
import { benchDecode } from './bench/decode.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
});

if (positionals.join() !== 'decode') {
  console.error('npm run bench -- decode [--json] [--quick]');
  process.exit(2);
}

const { lines, crowd, ratios } = await benchDecode({
  quick: values.quick,
  tell: (progress) => console.error(progress),
});
if (values.json) {
  const list = (items: readonly object[]) => items.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
  console.log(
    `{\n  "lines": [\n${list(lines)}\n  ],\n  "crowd": [\n${list(crowd)}\n  ],\n  "ratios": ${JSON.stringify(ratios)}\n}`,
  );
} else {
  console.table(lines);
  console.table(crowd);
  console.table(ratios);
}
