import { createBackend } from '../../src/backends/index.ts';
import { systemClock } from '../../src/clock.ts';
import type { Behaviour } from '../../src/playground/viewcomfy/behaviour.ts';
import { createLocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { describeBackend, type Situation } from './_contract.ts';

const BEHAVIOURS: Record<Exclude<Situation, 'cut-before-answer'>, Behaviour> = {
  'run-error': {
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
  'cut-while-running': { ending: 'cut', afterLines: 4 },
  'cut-in-result': { ending: 'cut-in-result' },
  silence: { ending: 'silence', afterLines: 2 },
  'foreign-events': { extras: true, writes: 'random', lineEnd: '\n', duplicateResult: true },
  'no-files': { result: 'no-outputs' },
  'something-else': {
    refusal: { status: 200, body: '<html>It works!</html>', mediaType: 'text/html' },
  },
};

describeBackend('ViewComfy', async () => {
  const credentials = { clientId: 'id-of-the-house', clientSecret: 'key-of-the-house' };
  const server = await createLocalViewComfy({
    ...credentials,
    runMs: 250,
    coldStartMs: 0,
    pictureScale: 0.05,
    atOnce: 2,
  });
  let stopped: Promise<void> | undefined;
  return {
    secrets: Object.values(credentials),
    taken: () => server.runs.length,
    working: () => server.runs.filter(({ outcome }) => outcome === 'waiting' || outcome === 'running').length,
    // Without a line before its end the answer has not begun either.
    next: (situation) =>
      server.next(situation === 'cut-before-answer' ? { ending: 'cut', afterLines: 0 } : BEHAVIOURS[situation]),
    connect: (limits) =>
      createBackend(
        { type: 'viewcomfy', url: server.url, ...credentials, ...limits },
        { clock: systemClock, log: { debug() {}, warn() {} } },
      ),
    stop: () => (stopped ??= server.close()),
  };
});
