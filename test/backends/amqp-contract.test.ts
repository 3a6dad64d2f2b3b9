import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { createAmqp } from '../../src/backends/amqp.ts';
import type { WorkerBehaviour } from '../../src/playground/comfyui-worker/behaviour.ts';
import { createLocalWorker } from '../../src/playground/comfyui-worker/worker.ts';
import { createQuickClock } from '../quick-clock.ts';
import { findRabbitMq, startRabbitMq, type RabbitMq } from '../rabbitmq.ts';
import { COMPLAINT, createFolders, createWire, WORKFLOW } from './_amqp.ts';
import { describeBackend, type Lacks, type Situation, type StandIn } from './_contract.ts';

/** The minutes in which a run may be silent that the broker has forgotten must not be minutes. */
const TIMES = 60;

/** What there is no way to do through RabbitMQ. */
const LACKS = {
  busy: 'RabbitMQ takes every run, and lets it wait',
  'busy-for-long': 'RabbitMQ takes every run, and lets it wait',
} satisfies Lacks;

const BEHAVIOURS: Readonly<Partial<Record<Situation, WorkerBehaviour>>> = {
  'run-error': { ending: 'error', words: 'noise is of another size for key-of-the-house' },
  'out-of-memory': {
    ending: 'error',
    words:
      'Traceback (most recent call last):\n  File "/root/ComfyUI/execution.py", line 349, in execute\n    run()\nCUDA out of memory for key-of-the-house',
  },
  'validation-error': { ending: 'invalid', words: COMPLAINT },
  'long-run': { stepMs: 50 },
  'cut-in-result': { ending: 'lost-file' },
  silence: { ending: 'silence' },
  'foreign-events': { extras: true },
  'no-files': { ending: 'no-files' },
  'something-else': { ending: 'something-else' },
};

const path = findRabbitMq();
let broker: RabbitMq;

async function start(): Promise<StandIn> {
  const queue = `comfyui-${randomUUID()}`;
  const folders = await createFolders();
  const wire = await createWire(broker.port);
  let steps = 0;
  let cutAt = Infinity;
  const worker = await createLocalWorker({
    url: broker.url,
    queue,
    ...folders,
    onChange(what) {
      if (what === 'told' && (steps += 1) === cutAt) wire.cut();
    },
  });
  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    await Promise.all([wire.close(), worker.close()]);
    await folders.clear();
  }
  return {
    secrets: [broker.password],
    request: { workflow: WORKFLOW },
    endsWhenLeft: false,
    whenGone: 'timeout',
    survives: ['cut-while-running'],
    taken: () => new Set(worker.runs.map(({ promptId }) => promptId)).size,
    working: () => worker.runs.filter(({ state }) => state === 'running').length,
    next(situation) {
      if (situation === 'waits') void worker.beBusy(300);
      else if (situation === 'wrong-credentials') wire.replace(broker.password, 'key-of-the-other');
      else if (situation === 'cut-before-answer') wire.cutBefore('"prompt_id"');
      else if (situation === 'cut-while-running') cutAt = steps + 12;
      else worker.next({ stepMs: 20, ...BEHAVIOURS[situation] });
    },
    connect: ({ idleTimeoutMs, ...limits } = {}) =>
      createAmqp(
        {
          url: `amqp://${broker.user}:${broker.password}@127.0.0.1:${wire.port}`,
          queue,
          ...folders,
          ...limits,
          ...(idleTimeoutMs !== undefined && { idleTimeoutMs: idleTimeoutMs * TIMES }),
        },
        { clock: createQuickClock(TIMES), log: { debug() {}, warn() {} } },
      ),
    stop: () => (stopped ??= stop()),
  };
}

describe.skipIf(path === undefined)('with a RabbitMQ', () => {
  beforeAll(async () => {
    broker = await startRabbitMq(path ?? '');
  }, 60_000);
  afterAll(() => broker.close());
  describeBackend('ComfyUI behind RabbitMQ', start, LACKS);
});
