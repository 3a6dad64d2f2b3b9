import { createViewComfy } from '../../src/backends/viewcomfy.ts';
import type { Behaviour } from '../../src/playground/viewcomfy/behaviour.ts';
import { createLocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { createQuickClock } from '../quick-clock.ts';
import { describeBackend, type Lacks, type Situation, type StandIn } from './_contract.ts';

/** A minute in which a run may be missing from the history must not be one. */
const TIMES = 60;

/** What ViewComfy's API has no words for. */
const LACKS = {
  'queue-position': 'ViewComfy does not tell how many runs are done first',
  'cancel-waiting': 'ViewComfy does not tell whether a run has begun',
} satisfies Lacks;

const BEHAVIOURS: Record<Situation, Behaviour> = {
  'run-error': {
    ending: 'error',
    afterLines: 3,
    errorText: 'Error occurred when executing SamplerCustomAdvanced:\n\nnoise is of another size for key-of-the-house',
  },
  'out-of-memory': {
    ending: 'error',
    afterLines: 3,
    errorText:
      'Traceback (most recent call last):\n  File "/root/ComfyUI/execution.py", line 349, in execute\n    run()\nRuntimeError: CUDA out of memory for key-of-the-house',
  },
  'validation-error': {
    refusal: {
      status: 422,
      body: JSON.stringify({
        detail: [{ type: 'missing', loc: ['body', 'params', '594-inputs-string'], msg: 'Field required', input: null }],
      }),
    },
  },
  'wrong-credentials': { refusal: { status: 401, body: '{"detail":"Invalid client_secret key-of-the-house"}' } },
  busy: { refusal: { status: 429, body: '{"detail":"Too many requests"}', headers: { 'retry-after': '7' } } },
  'busy-for-long': {
    refusal: { status: 429, body: '{"detail":"Too many requests"}', headers: { 'retry-after': '600' } },
  },
  waits: {},
  'long-run': { coldStartMs: 150, redirectAfterMs: 20 },
  // Without a line before its end the answer has not begun either.
  'cut-before-answer': { ending: 'cut', afterLines: 0, answerLost: true },
  'cut-while-running': { ending: 'cut', afterLines: 4 },
  'cut-in-result': { ending: 'cut-in-result' },
  silence: { ending: 'silence', afterLines: 2 },
  'foreign-events': { extras: true, writes: 'random', lineEnd: '\n', duplicateResult: true },
  'no-files': { result: 'no-outputs' },
  'something-else': {
    refusal: { status: 200, body: '<html>It works!</html>', mediaType: 'text/html' },
  },
};

for (const mode of ['stream', 'plain', 'poll'] as const) {
  const start = async (): Promise<StandIn> => {
    const credentials = { clientId: 'id-of-the-house', clientSecret: 'key-of-the-house' };
    const server = await createLocalViewComfy({
      ...credentials,
      runMs: 150,
      coldStartMs: 0,
      drawing: 'flat',
      pictureScale: 0.05,
      atOnce: 2,
    });
    let stopped: Promise<void> | undefined;
    return {
      secrets: Object.values(credentials),
      taken: () => server.runs.length,
      working: () => server.runs.filter(({ outcome }) => outcome === 'waiting' || outcome === 'running').length,
      next: (situation) => server.next(BEHAVIOURS[situation]),
      connect: ({ idleTimeoutMs, ...limits } = {}) =>
        createViewComfy(
          {
            mode,
            url: server.url,
            apiUrl: server.apiUrl,
            ...credentials,
            ...limits,
            ...(idleTimeoutMs !== undefined && { idleTimeoutMs: idleTimeoutMs * TIMES }),
          },
          { clock: createQuickClock(TIMES), log: { debug() {}, warn() {} } },
        ),
      stop: () => (stopped ??= server.close()),
    };
  };
  describeBackend(`ViewComfy (${mode})`, start, LACKS);
}
