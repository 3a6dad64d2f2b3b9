import type { ClientName, Round, RoundResult, Twist } from './backends-messages.ts';
import type { Pair, PairTask } from './backends-pair.ts';

/** What can happen to a run at a ComfyUI server, and what each client makes of it. */
interface Trouble {
  readonly name: string;
  /** what there is to be made of it */
  readonly right: string;
  readonly twist: Twist;
  readonly round?: Partial<Round>;
  /** a job that is done before it */
  readonly before?: Twist;
}

export type TroubleLine = Readonly<Record<string, string>>;

export interface TroublesOptions {
  readonly tell: (progress: string) => void;
  readonly open: (task: PairTask) => Promise<Pair>;
}

/** Long enough for everything that waits for a pause of its own before it looks again. */
const LIMIT_MS = 15_000;

const TROUBLES: readonly Trouble[] = [
  { name: 'a run of 300 ms', right: '4 files', twist: { runMs: 300 } },
  { name: 'a run that is over at once', right: '4 files', twist: { runMs: 0 } },
  {
    name: 'the same again: ComfyUI has it in its cache',
    right: '4 files',
    twist: { runMs: 300 },
    before: { runMs: 300 },
    round: { same: true },
  },
  { name: 'two nodes save', right: '8 files', twist: { runMs: 300 }, round: { workflow: 'two-outputs' } },
  { name: 'socket lost, back before the end', right: '4 files', twist: { runMs: 4000, cutsAtMs: [500] } },
  { name: 'socket lost twice', right: '4 files', twist: { runMs: 6000, cutsAtMs: [500, 3000] } },
  { name: 'socket lost just before the end', right: '4 files', twist: { runMs: 600, cutsAtMs: [500] } },
  { name: 'interrupted by somebody', right: 'an error', twist: { runMs: 300, ending: 'interrupted' } },
  { name: 'an error of the run', right: 'an error', twist: { runMs: 300, ending: 'error' } },
  { name: 'a workflow that is refused', right: 'an error', twist: {}, round: { workflow: 'refused' } },
];

/** A fresh client and a fresh stand-in for each. */
export async function benchTroubles(
  clients: readonly ClientName[],
  { tell, open }: TroublesOptions,
): Promise<TroubleLine[]> {
  const lines: TroubleLine[] = [];
  for (const { name, right, twist, round, before } of TROUBLES) {
    const line: Record<string, string> = { case: name, right };
    for (const client of clients) {
      tell(`${client}: ${name}`);
      const pair = await open({ client, service: 'comfyui', runMs: 0, atOnce: 8 });
      const job = { jobs: 1, atOnce: 1, limitMs: LIMIT_MS, ...round };
      try {
        if (before) {
          await pair.twist(before);
          await pair.perform(job);
        }
        await pair.twist(twist);
        line[client === 'comfyui' ? 'ours' : client] = cellOf(await pair.perform(job));
      } finally {
        pair.end();
      }
    }
    lines.push(line);
  }
  return lines;
}

function cellOf({ ms, files, done, hung, words }: RoundResult): string {
  const time = `${Math.round(ms)} ms`;
  if (hung > 0) return `HANGS${words === '' ? '' : ` ${words}`}`;
  return done > 0 ? `${files} files, ${time}` : `error, ${time}: ${words}`;
}
