/**
 * `npm run bench -- backends|decode|fit|journey|queue [--json] [--quick]`: how fast, with how much memory and how smoothly
 * results are read, made to fit, and travel through the whole bot, and what a job over each backend and a long line of
 * jobs cost.
 */
import { parseArgs } from 'node:util';
import { benchBackends } from './bench/backends.ts';
import { benchDecode } from './bench/decode.ts';
import { benchFit } from './bench/fit.ts';
import { benchJourney } from './bench/journey.ts';
import { benchQueue } from './bench/queue.ts';

const BENCHES = {
  /** what a job costs over each backend, and what becomes of troubles */
  async backends(options) {
    const { lines, ratios, troubles } = await benchBackends(options);
    return { lines, ratios, troubles };
  },
  /** how results are read */
  async decode(options) {
    const { lines, crowd, ratios } = await benchDecode(options);
    return { lines, crowd, ratios };
  },
  /** how results are made to fit into what Discord takes */
  async fit(options) {
    const { lines, ratios, goal } = await benchFit(options);
    return { lines, ratios, goal };
  },
  /** the whole way */
  async journey(options) {
    const { lines, medians } = await benchJourney(options);
    return { lines, medians };
  },
  /** a long line of jobs */
  async queue(options) {
    const { lines, ratios } = await benchQueue(options);
    return { lines, ratios };
  },
} satisfies Record<string, (options: Options) => Promise<Report>>;

interface Options {
  readonly quick: boolean;
  readonly tell: (progress: string) => void;
}

type Report = Readonly<Record<string, object>>;

const { name, json, quick } = readArguments();
const bench = Object.entries(BENCHES).find(([known]) => known === name)?.[1];
if (bench) {
  const report = await bench({ quick, tell: (progress) => console.error(progress) });
  print(report, json);
} else {
  const names = new Intl.ListFormat('en', { type: 'disjunction' }).format(Object.keys(BENCHES));
  console.error(`Say which benchmark to run, ${names}, as in: npm run bench -- decode [--json] [--quick]`);
  process.exitCode = 1;
}

/** An argument that nobody knows is as good as no name: what may be said is told, and not what the parser thinks. */
function readArguments(): { name: string | undefined; json: boolean; quick: boolean } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    });
    return { name: positionals.join(' '), ...values };
  } catch {
    return { name: undefined, json: false, quick: false };
  }
}

/** As tables for people, or as JSON with a line for each measurement. */
function print(report: Report, json: boolean): void {
  if (!json) {
    for (const table of Object.values(report)) console.table(table);
    return;
  }
  const parts = Object.entries(report).map(([name, part]) => {
    const items = Array.isArray(part) ? part.map((item) => `    ${JSON.stringify(item)}`).join(',\n') : undefined;
    return `  "${name}": ${items === undefined ? JSON.stringify(part) : `[\n${items}\n  ]`}`;
  });
  console.log(`{\n${parts.join(',\n')}\n}`);
}
