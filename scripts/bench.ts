/**
 * `npm run bench -- decode|journey [--json] [--quick]`: how fast, with how much memory and how smoothly results are read,
 * and how they travel through the whole bot.
 */
import { parseArgs } from 'node:util';
import { benchDecode } from './bench/decode.ts';
import { benchJourney } from './bench/journey.ts';

const USAGE = 'npm run bench -- decode|journey [--json] [--quick]';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
});
const options = { quick: values.quick, tell: (progress: string) => console.error(progress) };

switch (positionals.join()) {
  case 'decode': {
    const { lines, crowd, ratios } = await benchDecode(options);
    print({ lines, crowd, ratios });
    break;
  }
  case 'journey': {
    const { lines, medians } = await benchJourney(options);
    print({ lines, medians });
    break;
  }
  default:
    console.error(USAGE);
    process.exit(2);
}

/** As tables for people, or as JSON with a line for each measurement. */
function print(report: Readonly<Record<string, object>>): void {
  if (!values.json) {
    for (const table of Object.values(report)) console.table(table);
    return;
  }
  const parts = Object.entries(report).map(([name, part]) => {
    const items = Array.isArray(part) ? part.map((item) => `    ${JSON.stringify(item)}`).join(',\n') : undefined;
    return `  "${name}": ${items === undefined ? JSON.stringify(part) : `[\n${items}\n  ]`}`;
  });
  console.log(`{\n${parts.join(',\n')}\n}`);
}
