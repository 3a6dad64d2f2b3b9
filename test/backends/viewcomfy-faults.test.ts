import { describe, expect, test } from 'vitest';
import type { BackendError } from '../../src/errors.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import {
  FILE,
  RESULT,
  large,
  history,
  log,
  moved,
  onePost,
  play,
  result,
  succeeded,
  taken,
  text,
  whole,
  type Case,
} from './_cases.ts';
import { collect, expectFiles } from './_run.ts';
import type { Service } from './_service.ts';
import { createBench, output, resultOf, stream } from './_viewcomfy.ts';

/**
 * The faults that were found in the official clients, by the number that their list gives them.
 */

const bench = createBench();

const wrong = (parameters: object): Pick<Case, 'request' | 'replies' | 'ends' | 'holds'> => ({
  request: { parameters: { ...parameters } },
  replies: [],
  ends: { type: 'invalid', billed: 'no', parameters: ['5-inputs-x'] },
  holds: ({ seen }) => seen.length === 0,
});

function sameForm({ seen: [first, second] }: Service): boolean {
  const again = second?.body.equals(first?.body ?? Buffer.alloc(0)) ?? false;
  return again && second?.headers['content-type'] === first?.headers['content-type'];
}

const CASES: Case[] = [
  {
    title: '1: an error event, and then nothing more',
    replies: [{ body: stream(['log_message', 'a'], ['error', '{"detail":"no face found"}']) }],
    ends: { type: 'failed', billed: 'maybe', detail: 'no face found' },
  },
  {
    title: '2: a clean end without a result',
    replies: [{ body: stream(['log_message', 'a']) }],
    ends: { type: 'cut' },
  },
  { title: '2: the last blank line is missing', replies: [{ body: whole.body?.slice(0, -1) ?? '' }], ends: FILE },
  { title: '2: the last line has no end', replies: [{ body: whole.body?.slice(0, -2) ?? '' }], ends: FILE },
  {
    title: '3: a result over several data lines',
    replies: [
      {
        body: `event: prompt_result\ndata: ${JSON.stringify(JSON.parse(resultOf()), null, 1).replaceAll('\n', '\ndata: ')}\n\n`,
      },
    ],
    ends: FILE,
  },
  {
    title: '4: a log of several lines',
    replies: [{ body: `event: log_message\ndata: one\ndata: two\ndata: three\n\n${stream(RESULT)}` }],
    ends: FILE,
    tells: [log('one'), log('two'), log('three')],
  },
  {
    title: '5: a bar that is redrawn with bare carriage returns',
    replies: [{ body: stream(['log_message', ' 0%| | 0/9 [00:00<?]\r 50%|# | 5/9 [00:02<00:02]\rdone'], RESULT) }],
    ends: FILE,
    tells: [
      { type: 'progress-changed', done: 0, total: 9 },
      { type: 'progress-changed', done: 5, total: 9 },
      log('done'),
    ],
  },
  { title: '6: a result of 12 MB, in 1000 pieces', replies: [large(12_000_000)], ends: FILE },
  {
    title: '7: the server keeps the connection open after the result',
    replies: [{ ...whole, end: 'open' }],
    ends: FILE,
    holds: ({ open }) => open() === 0,
  },
  ...[302, 303, 307, 308].map((status) => ({
    title: `8: HTTP ${status} to another origin, which wants the secret`,
    replies: [moved(status, 'http://127.0.0.2:9/')],
    ends: {
      type: 'refused',
      billed: status === 303 ? ('maybe' as const) : ('no' as const),
    } satisfies Partial<BackendError>,
  })),
  ...[307, 308].map((status) => ({
    title: `9: HTTP ${status} asks for the same form again`,
    replies: [moved(status, '/infer/'), whole],
    ends: FILE,
    holds: sameForm,
  })),
  {
    title: '11: an event without data does not name the next one',
    replies: [{ body: `event: prompt_result\n\ndata: {"status":"bogus"}\n\n${stream(RESULT)}` }],
    ends: FILE,
  },
  {
    title: '12: completed, with status error',
    replies: [result([output()], { status: 'error', error_data: { exception_message: 'bad seed' } })],
    ends: { type: 'failed', billed: 'maybe', detail: 'bad seed' },
  },
  ...[Buffer.from('x'), new Blob(['x']), 2 ** 53 + 2, 1n, Number.NaN].map((value) => ({
    title: `13: a parameter that JSON cannot carry (${typeof value === 'object' ? value.constructor.name : String(value)})`,
    ...wrong({ '5-inputs-x': value }),
  })),
  {
    title: '14: names that lead out of the folder',
    replies: [result([output({ filename: '../../../etc/cron.d/x' }), output({ filename: 'C:\\Windows\\x' })])],
    ends: ['x', 'x-2'],
  },
  {
    title: '15: the connection is lost while the run is taken: asked for, and not sent twice',
    mode: 'poll',
    replies: [{ ...taken, body: [], end: 'cut' }, text(502, ''), history(succeeded)],
    ends: FILE,
    holds: onePost,
  },
  {
    title: '15: the results of other runs stand beside',
    mode: 'poll',
    replies: [
      taken,
      history(succeeded, [
        { promptId: 'another', status: 'error', completed: true },
        { ...succeeded, outputs: [] },
      ]),
    ],
    ends: FILE,
  },
  {
    title: '15: error data says why',
    mode: 'poll',
    replies: [taken, history({ status: 'error', completed: true, errorData: 'no VRAM left' })],
    ends: { type: 'failed', detail: 'no VRAM left' },
  },
  {
    title: '16: a body of 100,000 characters with a prompt inside',
    replies: [text(500, `the-client-secret ${'x'.repeat(100_000)}`)],
    ends: { type: 'failed', detail: `[hidden] ${'x'.repeat(290)}…` },
  },
  {
    title: '16: an empty body',
    replies: [text(500, '')],
    ends: { type: 'failed', message: 'ViewComfy answered HTTP 500' },
  },
];

test.for(CASES)('$title', async (situation) => {
  const { service, outcome, expected } = await play(bench, situation);
  expect(outcome).toMatchObject(expected);
  await eventually(() => expect(situation.holds?.(service) ?? true).toBe(true));
});

describe('10: silence of more than 300 seconds, which a cold start is', () => {
  test.for([
    ['before the head', (release: Promise<void>) => ({ ...whole, after: release })],
    ['in the stream', (release: Promise<void>) => ({ body: [stream(['log_message', 'a']), release, stream(RESULT)] })],
  ] as const)('%s', async ([, reply]) => {
    const clock = createManualClock();
    const release = Promise.withResolvers<void>();
    const service = await bench.serve(reply(release.promise));
    const files = collect(bench.connect(service.url, {}, clock).run(bench.desk.request));
    await eventually(() => expect(service.seen).toHaveLength(1));
    clock.advance(301_000);
    release.resolve();
    await expectFiles(bench.desk, await files);
  });
});
