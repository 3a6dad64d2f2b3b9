/** A process of its own that is ViewComfy, and keeps account of every run that it was ever asked for. */
import { once } from 'node:events';
import type { Behaviour } from '../../src/playground/viewcomfy/behaviour.ts';
import { createLocalViewComfy, type LocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { BackendTask, type BackendPlace } from './messages.ts';
import { createRandom } from './random.ts';

/** More than any torture asks for. */
const PLANNED = 20_000;
const LOOK_MS = 15;
/** Four of them are the result, the others lie behind its button. */
const FILES = 8;

const [message]: unknown[] = await once(process, 'message');
const task = BackendTask.parse(message);
const { clientId, clientSecret, faults, mode } = task;
const random = createRandom(task.seed);
const viewcomfy = await createLocalViewComfy({ clientId, clientSecret, drawing: 'flat', atOnce: 10, coldStartMs: 0 });
for (let count = 0; count < PLANNED; count += 1) viewcomfy.next(plan());

type Record = LocalViewComfy['runs'][number];
/** It forgets the oldest ones itself. */
const runs = new Map<Record, 'under way' | 'over'>();
setInterval(look, LOOK_MS);
process.on('message', () => {
  look();
  const list = [...runs.keys()].map(({ id, params, outcome, receivedAt }) => ({
    id,
    prompt: String(params['594-inputs-string'] ?? params['7-inputs-text']),
    outcome,
    receivedAt,
  }));
  process.send?.({ runs: list });
});
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {});
process.send?.({ url: viewcomfy.url, apiUrl: viewcomfy.apiUrl } satisfies BackendPlace);

function look(): void {
  for (const record of viewcomfy.runs) {
    const known = runs.get(record);
    if (known === undefined) process.send?.({ run: record.id, is: 'taken' });
    const state = record.endedAt === undefined ? 'under way' : 'over';
    if (known === state) continue;
    runs.set(record, state);
    if (state === 'over') process.send?.({ run: record.id, is: 'over' });
  }
}

function plan(): Behaviour {
  // A run that hangs on a connection ends with the bot, so most of those are short.
  const runMs = mode === 'poll' ? random.whole(1000, 4000) : random.whole(400, 3000);
  const usual = { runMs, coldStartMs: 0, outputCount: FILES };
  // Some are moved to an address of their own before they begin, by which they are found again.
  const moved = mode !== 'poll' && random.happens(0.3) && { coldStartMs: 800, redirectAfterMs: 100 };
  return { ...usual, ...moved, ...(faults && fault()) };
}

function fault(): Behaviour {
  // Where runs are asked for, what never comes is waited for, and anew by each life of the bot.
  const common = mode === 'poll' ? 1 : 5;
  const kind = random.weighted({
    none: 64,
    error: 7,
    cut: common,
    'cut-in-result': common,
    'no-result': common,
    // Nothing else that is asked in the meantime is answered either, where runs are asked for.
    silence: mode === 'stream' ? 2 : 0,
    'ping-only': 1,
    '429': 4,
    '503': 4,
    'lost-answer': 5,
  });
  switch (kind) {
    case 'none':
      return {};
    case 'lost-answer':
      return { answerLost: true };
    case '429':
      return { refusal: { status: 429, body: '{"detail":"Too Many Requests"}', headers: { 'retry-after': '1' } } };
    case '503':
      return {
        refusal: { status: 503, body: '<html>503 Service Temporarily Unavailable</html>', mediaType: 'text/html' },
      };
    default:
      return { ending: kind, afterLines: random.whole(0, 10) };
  }
}
