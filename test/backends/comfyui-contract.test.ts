import { createComfyUI, type ComfyUIOptions } from '../../src/backends/comfyui.ts';
import type { Behaviour } from '../../src/playground/comfyui/behaviour.ts';
import { createLocalComfyUI, type LocalComfyUIOptions } from '../../src/playground/comfyui/server.ts';
import { createQuickClock } from '../quick-clock.ts';
import { quietLog, TIMES, WORKFLOW } from './_comfyui.ts';
import { describeBackend, type Lacks, type Situation, type StandIn } from './_contract.ts';

const KEY = 'key-of-the-house';

const BEHAVIOURS: Record<Situation, Behaviour> = {
  'run-error': { ending: 'error', errorText: `noise is of another size for ${KEY} in /root/ComfyUI/nodes.py` },
  'out-of-memory': {
    ending: 'error',
    errorType: 'torch.OutOfMemoryError',
    errorText: 'Allocation on device \nThis error means you ran out of memory on your GPU.\n\nTIPS: /root/x',
  },
  'validation-error': {
    refusal: {
      status: 400,
      body: JSON.stringify({
        error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: '' },
        node_errors: {
          '594': {
            errors: [
              {
                type: 'required_input_missing',
                message: 'Required input is missing',
                details: 'string',
                extra_info: { input_name: 'string' },
              },
            ],
            dependent_outputs: ['11'],
            class_type: 'CLIPTextEncode',
          },
        },
      }),
    },
  },
  'wrong-credentials': { refusal: { status: 401, body: `no ${KEY}`, mediaType: 'text/plain' } },
  busy: { refusal: { status: 429, headers: { 'retry-after': '7' } } },
  'busy-for-long': { refusal: { status: 429, headers: { 'retry-after': '600' } } },
  'long-run': { runMs: 400 },
  waits: { behind: 2 },
  'cut-before-answer': { answerLost: true },
  'cut-while-running': { cut: true },
  'cut-in-result': { filesBreak: 'always' },
  silence: { ending: 'silence' },
  'foreign-events': { foreign: true },
  'no-files': { nothing: true },
  'something-else': { refusal: { status: 200, body: '<html>It works!</html>', mediaType: 'text/html' } },
};

/** What the fork's REST API has no words for. */
const V1_LACKS = {
  'queue-position': 'the REST API does not tell how many runs are done first',
  'cancel-waiting': 'the REST API does not tell whether a run has begun',
} satisfies Lacks;

interface Variant
  extends Pick<LocalComfyUIOptions, 'flavour'>, Pick<StandIn, 'survives' | 'endsWhenLeft' | 'whenGone'> {
  readonly api: NonNullable<ComfyUIOptions['api']>;
  readonly hasWorkers?: boolean;
}

function starter({ flavour = 'comfyui', api, hasWorkers = false, ...facts }: Variant): () => Promise<StandIn> {
  return async () => {
    const headers = { 'x-house': KEY };
    const server = await createLocalComfyUI({ flavour, headers, runMs: 150, drawing: 'flat' });
    let stopped: Promise<void> | undefined;
    return {
      ...facts,
      secrets: [KEY],
      request: { workflow: WORKFLOW },
      taken: () => server.runs.length,
      working: () => server.runs.filter(({ outcome }) => outcome === 'waiting' || outcome === 'running').length,
      next: (situation) => server.next(BEHAVIOURS[situation]),
      connect: ({ idleTimeoutMs, ...limits } = {}) =>
        createComfyUI(
          {
            api,
            hasWorkers,
            urls: [server.url],
            headers,
            ...limits,
            ...(idleTimeoutMs !== undefined && { idleTimeoutMs: idleTimeoutMs * TIMES }),
          },
          { clock: createQuickClock(TIMES), log: quietLog },
        ),
      stop: () => (stopped ??= server.close()),
    };
  };
}

// The prompt has a name of our own, so that a lost answer loses no run; the socket only gives hints.
const survives = ['cut-before-answer', 'cut-while-running'] as const;
describeBackend('ComfyUI (native)', starter({ api: 'native', survives }));
describeBackend('ComfyUI (fork, native)', starter({ flavour: 'fork', api: 'native', survives }));
describeBackend(
  'ComfyUI (fork with workers, native)',
  starter({
    flavour: 'fork-with-workers',
    api: 'native',
    hasWorkers: true,
    survives,
    endsWhenLeft: false,
    whenGone: 'timeout',
  }),
);
describeBackend(
  'ComfyUI (fork with workers, REST)',
  starter({
    flavour: 'fork-with-workers',
    api: 'v1',
    survives: ['cut-while-running'],
    endsWhenLeft: false,
    whenGone: 'timeout',
  }),
  V1_LACKS,
);
