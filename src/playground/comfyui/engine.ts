import type { Behaviour } from './behaviour.ts';
import { execute, type Entry, type Finished, type RunDependencies } from './run.ts';

/** ComfyUI's queue, what runs, and what it remembers: all of it in memory, and gone when it ends. */
export interface Engine {
  /** every run that was ever taken, in the order in which they came */
  readonly entries: readonly Entry[];
  readonly waiting: readonly Entry[];
  readonly running: readonly Entry[];
  readonly finished: ReadonlyMap<string, { readonly entry: Entry; readonly result: Finished }>;
  readonly mostAtOnce: number;
  add(prompt: NewPrompt): Entry;
  /** Takes a run out of the queue that has not begun. */
  remove(id: string): void;
  /** @param id the run that it is meant for; whatever runs when absent */
  interrupt(id: string | undefined): void;
  /** Everything is forgotten. Resolves when nothing is left. */
  end(): Promise<void>;
}

export type NewPrompt = Pick<Entry, 'id' | 'graph' | 'outputs' | 'extra' | 'client' | 'behaviour' | 'isForeign'> & {
  /** before all others */
  readonly isFirst: boolean;
};

export interface EngineOptions extends RunDependencies {
  readonly atOnce: number;
  /** without it the owner of a run is not told when it is written down */
  readonly tellsEnd: boolean;
}

const KEPT_ENTRIES = 1000;

export function createEngine(options: EngineOptions): Engine {
  const { clock, sockets, atOnce, tellsEnd } = options;
  const entries: Entry[] = [];
  const waiting = new Set<Entry>();
  const running = new Set<Entry>();
  const finished = new Map<string, { entry: Entry; result: Finished }>();
  const going = new Set<Promise<void>>();
  let count = 0;
  let mostAtOnce = 0;

  function tellStatus(): void {
    sockets.tell(undefined, 'status', { status: { exec_info: { queue_remaining: waiting.size + running.size } } });
  }

  function pump(): void {
    while (running.size < atOnce && waiting.size > 0) {
      const [next] = [...waiting].toSorted((a, b) => a.number - b.number);
      if (!next) return;
      waiting.delete(next);
      running.add(next);
      mostAtOnce = Math.max(mostAtOnce, running.size);
      const run = perform(next);
      going.add(run);
      void run.finally(() => going.delete(run));
    }
  }

  async function perform(entry: Entry): Promise<void> {
    entry.startedAt = clock.now();
    entry.outcome = 'running';
    tellStatus();
    try {
      const result = await execute(entry, options);
      entry.outcome = result.status === 'success' ? 'succeeded' : entry.stop.signal.aborted ? 'interrupted' : 'failed';
      finished.set(entry.id, { entry, result });
    } catch {
      entry.outcome = 'lost';
    }
    entry.endedAt = clock.now();
    running.delete(entry);
    if (entry.outcome === 'lost') return;
    tellStatus();
    if (tellsEnd && entry.behaviour.ending !== 'silence') {
      sockets.tell(entry.client, 'executing', { node: null, prompt_id: entry.id });
    }
    pump();
  }

  return {
    entries,
    get waiting() {
      return [...waiting];
    },
    get running() {
      return [...running];
    },
    finished,
    get mostAtOnce() {
      return mostAtOnce;
    },
    add({ isFirst, ...prompt }) {
      count += 1;
      const entry: Entry = {
        ...prompt,
        number: isFirst ? -count : count,
        stop: new AbortController(),
        receivedAt: clock.now(),
        outcome: 'waiting',
      };
      entries.push(entry);
      if (entries.length > KEPT_ENTRIES) entries.shift();
      waiting.add(entry);
      // As the real one does: a cached run is over before the answer that it was taken.
      tellStatus();
      pump();
      return entry;
    },
    remove(id) {
      for (const entry of waiting) {
        if (entry.id !== id) continue;
        entry.outcome = 'deleted';
        waiting.delete(entry);
        tellStatus();
      }
    },
    interrupt(id) {
      for (const entry of running) if (id === undefined || entry.id === id) entry.stop.abort('interrupted');
    },
    async end() {
      for (const entry of waiting) entry.outcome = 'lost';
      waiting.clear();
      for (const { stop } of running) stop.abort('the server ended');
      await Promise.all(going);
      finished.clear();
    },
  };
}

/** A run of somebody else that takes as long as the one behind it. */
export function strangersPrompt(behind: Behaviour): Omit<NewPrompt, 'id'> {
  const node = { class_type: 'SaveImage', inputs: { filename_prefix: 'stranger', noise_seed: Math.random() } };
  return {
    graph: new Map([['1', node]]),
    outputs: ['1'],
    extra: {},
    client: 'a-stranger',
    behaviour: behind.runMs === undefined ? {} : { runMs: behind.runMs },
    isForeign: true,
    isFirst: false,
  };
}
