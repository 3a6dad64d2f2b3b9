/**
 * `npm run torture [-- --minutes 4 --kills 100 --mode poll|stream|mixed --faults none|discord|backend|all --seed N --keep]`:
 * kills the bot again and again under load, starts it each time at once, and then looks from outside whether a job was
 * or a form was lost, shown twice, paid for twice or left behind. The last line of stdout is the outcome as JSON. The seed decides what
 * is tried; when it happens depends on the machine, so that a seed gives a similar run and not the same one.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readDatabase } from './torture/database.ts';
import { troubleDiscord } from './torture/faults.ts';
import { createOccasions, killOften } from './torture/kills.ts';
import { BackendPlace, DiscordPlace, FAULTS, MODES, RunList, RunNews, type BackendTask } from './torture/messages.ts';
import { createPeople, type People } from './torture/people.ts';
import { createProcesses, type Life, type LogLine } from './torture/processes.ts';
import { createRandom } from './torture/random.ts';
import { createRecipeFolder } from './torture/recipes.ts';
import { createSight, type Sight } from './torture/sight.ts';
import { judge } from './torture/verdict.ts';

const SETTLE_MS = 6 * 60_000;
/** A run that the backend never heard of is given up after a minute, and one that never ends after two. */
const STANDSTILL_MS = 150_000;
const QUIET_MS = 3000;
/** Some runs never end by themselves; the bot has nothing to do with them any more. */
const QUIET_BESIDE_RUNS_MS = 20_000;
/** How often it rests at most. */
const RESTS = 4;
/** So many cards under way, and none of them ends for so long: what never ends has taken all the places. */
const HOLD_UP = 16;
const HOLD_UP_MS = 15_000;

const Options = z.object({
  minutes: z.coerce.number().positive(),
  kills: z.coerce.number().int().min(1),
  mode: z.enum(MODES),
  faults: z.enum(FAULTS),
  seed: z.coerce.number().int(),
  keep: z.boolean(),
});

const options = Options.parse(
  parseArgs({
    options: {
      minutes: { type: 'string', default: '4' },
      kills: { type: 'string', default: '100' },
      mode: { type: 'string', default: 'poll' },
      faults: { type: 'string', default: 'none' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      keep: { type: 'boolean', default: false },
    },
  }).values,
);
const { kills, mode, faults, seed } = options;

const begunAt = Date.now();
const folder = await mkdtemp(join(tmpdir(), 'troupe-torture-'));
const processes = await createProcesses(folder);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
process.once('exit', () => processes.killAll());
let isWell = false;
try {
  isWell = await torture();
} catch (error) {
  if (!stop.signal.aborted) throw error;
  tell('stopped');
} finally {
  processes.killAll();
  if (options.keep || (!isWell && !stop.signal.aborted)) tell(`what happened is in ${folder}`);
  else await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(isWell ? 0 : 1);

async function torture(): Promise<boolean> {
  tell(`mode ${mode}, faults ${faults}, seed ${seed}`);
  const random = createRandom(seed);
  const keys = { clientId: 'torture', clientSecret: randomBytes(18).toString('base64url') };
  const discord = processes.fork('discord.ts', [join(folder, 'discord.jsonl')]);
  const discordPlace = await discord.hear(DiscordPlace);
  const backend = processes.fork('backend.ts');
  const task = { mode, seed, faults: faults === 'backend' || faults === 'all', ...keys } satisfies BackendTask;
  backend.send(task);
  const recipes = await createRecipeFolder(folder);
  const env = botEnvironment(discordPlace, await backend.hear(BackendPlace), recipes.path, keys);
  await mkdir(join(folder, 'data'));
  await processes.run('scripts/deploy.ts', env(), '--yes');

  const occasions = createOccasions();
  const atBackend = new Set<string>();
  backend.on(RunNews, ({ run, is }) => {
    if (is === 'taken') return void atBackend.add(run);
    atBackend.delete(run);
    return occasions.happened('over');
  });
  const sight = createSight(discordPlace.url);
  const people = createPeople({
    sight,
    random: createRandom(seed + 1),
    happened: (occasion) => occasions.happened(occasion),
  });
  const troubled = new AbortController();
  const trouble =
    faults === 'discord' || faults === 'all'
      ? troubleDiscord(sight, discordPlace.routes, createRandom(seed + 2), troubled.signal)
      : Promise.resolve();

  const errors = new Map<string, number>();
  const crashes: string[] = [];
  let lives = 0;
  let reloads = 0;
  let isStopping = false;
  let lastEndAt = Date.now();
  let rests = 0;

  function onLine({ level, msg, state }: LogLine): void {
    if (level >= 50) errors.set(msg, (errors.get(msg) ?? 0) + 1);
    if (msg === 'Job accepted') occasions.happened('accepted');
    if (msg !== 'Job moved') return;
    if (state === 'running' || state === 'delivering' || state === 'done') occasions.happened(state);
    if (state === 'failed' || state === 'cancelled' || state === 'interrupted') occasions.happened('ended');
    if (state !== 'running' && state !== 'delivering') lastEndAt = Date.now();
  }

  const living = new Set<Life>();

  function start(): Life {
    lives += 1;
    const life = processes.startBot(env(mode === 'mixed' ? random.pick(['poll', 'stream']) : mode), onLine);
    living.add(life);
    void life.ended.then(() => living.delete(life));
    void life.ended.then(({ code, wasKilled, lastWords }) => {
      if (!wasKilled && !(isStopping && code === 0)) crashes.push(`ended with ${code}: ${lastWords}`);
    });
    return life;
  }

  stop.signal.addEventListener('abort', () => void people.close());
  await people.start();
  const changing = recipes.changeOften(
    () => {
      for (const life of living) if (life.reload()) reloads += 1;
    },
    createRandom(seed + 3),
    troubled.signal,
  );
  const everyMs = (options.minutes * 60_000) / kills;
  let life = await killOften({
    kills: kills - 1,
    everyMs,
    start,
    random,
    occasions,
    signal: stop.signal,
    needsRest() {
      if (people.underWay() < HOLD_UP || Date.now() - lastEndAt < HOLD_UP_MS || rests >= RESTS) return false;
      rests += 1;
      tell('nothing goes on: a minute without a kill');
      lastEndAt = Date.now();
      return true;
    },
    tell: (done, kind) => {
      if (done % 10 === 0) {
        tell(
          `${done} kills, the last one at "${kind}"; ${people.orders.length} commands, ${people.underWay()} under way`,
        );
      }
    },
  });
  await people.stop();
  troubled.abort();
  await Promise.all([trouble, changing]);
  // Whatever hangs on a fault that was switched on before ends here, so that the rest can be waited for.
  life.kill();
  life = start();
  tell(`${kills} kills: waiting until nothing is open`);
  // What it tells then of what it found may be a message that nobody waits for.
  await Promise.race([life.ready, life.ended]);
  const settled = await settle(people, sight, atBackend);
  isStopping = true;
  life.stop();
  const { code } = await life.ended;
  await people.close();
  backend.send({ list: true });
  const { runs } = await backend.hear(RunList);

  const database = await readDatabase(join(folder, 'data'));
  const { problems, ...counts } = await judge(people, sight, runs, database);
  const { lost, twice, paidTwice, stuckCards, formsLost, wordsLost } = counts;
  const wrong = lost + twice + paidTwice + stuckCards + formsLost + wordsLost;
  const notes = [
    ...problems,
    ...database.problems.map((problem) => `database: ${problem}`),
    ...crashes.map((crash) => `crash: ${crash}`),
    ...(settled ? [] : ['not everything came to an end']),
    ...(code === 0 ? [] : [`the bot ended with ${code} when it was told to stop`]),
  ];
  for (const note of notes) tell(note);
  for (const [message, times] of errors) tell(`logged ${times} times: ${message}`);
  await writeFile(join(folder, 'notes.txt'), notes.join('\n'));
  const outcome = {
    kills,
    ...counts,
    seed,
    mode,
    faults,
    restarts: lives - 1,
    crashes: crashes.length,
    reloads,
    runs: runs.length,
    pressed: people.pressed,
    seconds: Math.round((Date.now() - begunAt) / 1000),
    database: database.problems.length === 0 ? 'ok' : `${database.problems.length} problems`,
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
  return wrong + crashes.length + database.problems.length === 0 && code === 0;
}

/** Waits until nobody sees anything under way. @returns false when that took too long */
async function settle(people: People, sight: Sight, atBackend: ReadonlySet<string>): Promise<boolean> {
  const mostAt = Date.now() + SETTLE_MS;
  let toldAt = Date.now();
  let quietSince = Date.now();
  let last = { cards: 0, at: Date.now() };
  while (Date.now() < mostAt && Date.now() - last.at < STANDSTILL_MS) {
    stop.signal.throwIfAborted();
    const cards = people.underWay();
    const thinking = (await sight.thinking()).length;
    if (cards !== last.cards) last = { cards, at: Date.now() };
    if (cards + thinking > 0) quietSince = Date.now();
    if (Date.now() - quietSince > (atBackend.size > 0 ? QUIET_BESIDE_RUNS_MS : QUIET_MS)) return true;
    if (Date.now() - toldAt > 15_000) {
      toldAt = Date.now();
      tell(`${cards} cards under way, ${thinking} thinking, ${atBackend.size} at the backend`);
    }
    await pause(200);
  }
  return false;
}

function botEnvironment(
  discord: DiscordPlace,
  backend: BackendPlace,
  recipes: string,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
) {
  return (viewcomfyMode: 'poll' | 'stream' = 'poll'): NodeJS.ProcessEnv => ({
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.api,
    VIEWCOMFY_URL: backend.url,
    VIEWCOMFY_API_URL: backend.apiUrl,
    VIEWCOMFY_MODE: viewcomfyMode,
    VIEWCOMFY_CLIENT_ID: clientId,
    VIEWCOMFY_CLIENT_SECRET: clientSecret,
    COMMANDS_DIR: recipes,
    // Runs that nobody knows hold their places for a minute.
    RUNNING_AT_ONCE: '16',
    RUNNING_PER_USER: '2',
    WAITING_PER_USER: '3',
    // More than the minute after which a run that nobody knows is given up.
    RUN_MINUTES: '1.5',
    DATA_DIR: join(folder, 'data'),
    LOG_LEVEL: 'info',
    GRACE_SECONDS: '20',
  });
}

function tell(progress: string): void {
  process.stderr.write(`${Math.round((Date.now() - begunAt) / 1000)} s: ${progress}\n`);
}
