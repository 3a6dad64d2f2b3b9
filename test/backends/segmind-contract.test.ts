import { createSegmind } from '../../src/backends/segmind.ts';
import type { Behaviour } from '../../src/playground/segmind/behaviour.ts';
import { createLocalSegmind } from '../../src/playground/segmind/server.ts';
import { createQuickClock } from '../quick-clock.ts';
import { describeBackend, type Lacks, type Situation } from './_contract.ts';
import { API_KEY, createAnswers } from './_segmind.ts';

const TIMES = 60;

/** Segmind answers once, at the end, and that is all it ever says. */
const LACKS = {
  'queue-position': 'Segmind does not tell how many runs are done first',
  'cancel-waiting': 'Segmind does not tell whether a run has begun',
  leave: 'Segmind tells nothing before the pictures that one could leave at',
} satisfies Lacks;

const error = (text: string) => JSON.stringify({ error: text });

const BEHAVIOURS: Record<Situation, Behaviour> = {
  'run-error': { answer: { status: 500, body: error(`noise is of another size for ${API_KEY}`) } },
  'out-of-memory': {
    answer: {
      status: 500,
      body: error(
        `Traceback (most recent call last):\n  File "/root/app/main.py", line 3, in run\n    go()\nRuntimeError: CUDA out of memory for ${API_KEY}`,
      ),
    },
  },
  'validation-error': { refusal: { status: 400, body: error('seed: Input should be a valid integer') } },
  'wrong-credentials': { refusal: { status: 401, body: error(`User authentication failed: ${API_KEY}`) } },
  busy: { refusal: { status: 429, body: error('Too many requests'), headers: { 'retry-after': '7' } } },
  'busy-for-long': { refusal: { status: 429, body: error('Too many requests'), headers: { 'retry-after': '600' } } },
  waits: {},
  'long-run': { runMs: 150 },
  'cut-before-answer': { ending: 'cut', runMs: 0 },
  'cut-while-running': { ending: 'cut' },
  'cut-in-result': { ending: 'cut-in-answer' },
  silence: { ending: 'silence' },
  'foreign-events': { extras: true },
  'no-files': { answer: { body: '{"images":[]}' } },
  'something-else': { refusal: { status: 200, body: '<html>It works!</html>', mediaType: 'text/html' } },
};

const answers = createAnswers();

describeBackend(
  'Segmind',
  async () => {
    const server = await createLocalSegmind({ apiKey: API_KEY, runMs: 100, drawing: 'flat' });
    let stopped: Promise<void> | undefined;
    return {
      secrets: [API_KEY],
      request: answers.request(),
      complaint: '499-inputs-noise_seed',
      taken: () => server.runs.length,
      working: () => server.runs.filter(({ outcome }) => outcome === 'running').length,
      next: (situation) => server.next(BEHAVIOURS[situation]),
      connect: ({ idleTimeoutMs, maxResultBytes } = {}) =>
        createSegmind(
          {
            url: server.url,
            apiKey: API_KEY,
            values: { samples: 4 },
            // One picture of one colour is as small as files get.
            ...(maxResultBytes !== undefined && { maxResultBytes: maxResultBytes / 10 }),
            ...(idleTimeoutMs !== undefined && { idleTimeoutMs: idleTimeoutMs * TIMES }),
          },
          { clock: createQuickClock(TIMES), log: { debug() {}, warn() {} } },
        ),
      stop: () => (stopped ??= server.close()),
    };
  },
  LACKS,
);
