import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import {
  FILE,
  RESULT,
  large,
  history,
  json,
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
import { createBench, output, resultOf, stream } from './_viewcomfy.ts';

/**
 * The situations in which the official clients were watched, and what a person would call right there.
 */

const bench = createBench();
const logAndResult = stream(['log_message', 'Größe ✓'], RESULT);

const CASES: Case[] = [
  { title: 'success, SSE', replies: [{ body: logAndResult }], ends: FILE, tells: [log('Größe ✓')] },
  {
    title: 'success, one byte per chunk, UTF-8 split',
    replies: [{ body: Array.from(Buffer.from(logAndResult), (byte) => Buffer.from([byte])) }],
    ends: FILE,
    tells: [log('Größe ✓')],
  },
  { title: 'a large result', replies: [large(10_000_000)], ends: FILE },
  {
    title: 'a large result, logs=false',
    mode: 'plain',
    replies: [json(resultOf([output({ data: Buffer.alloc(10_000_000, 7).toString('base64'), size: 10_000_000 })]))],
    ends: FILE,
  },
  {
    title: 'error event, then the end',
    replies: [{ body: stream(['error', 'boom']) }],
    ends: { type: 'failed', detail: 'boom' },
  },
  { title: 'error event, then a result', replies: [{ body: stream(['error', 'boom'], RESULT) }], ends: FILE },
  { title: 'a result with status error', replies: [result(null, { status: 'error' })], ends: { type: 'failed' } },
  { title: 'no events, clean end', replies: [{ body: '' }], ends: { type: 'cut', billed: 'maybe' } },
  { title: 'cut after a log', replies: [{ body: stream(['log_message', 'a']), end: 'cut' }], ends: { type: 'cut' } },
  { title: 'cut in the result', replies: [{ body: logAndResult.slice(0, -60), end: 'cut' }], ends: { type: 'cut' } },
  { title: 'clean end in the result', replies: [{ body: logAndResult.slice(0, -60) }], ends: { type: 'cut' } },
  ...(['stream', 'plain'] as const).flatMap((mode): Case[] => [
    {
      title: `401 JSON (${mode})`,
      mode,
      replies: [json('{"detail":"bad key"}', 401)],
      ends: { type: 'refused', billed: 'no', detail: 'bad key' },
    },
    {
      title: `404 text (${mode})`,
      mode,
      replies: [text(404, 'modal-http: app not found')],
      ends: { type: 'refused', billed: 'no', detail: 'modal-http: app not found' },
    },
    {
      title: `422 JSON (${mode})`,
      mode,
      replies: [
        json('{"detail":[{"type":"missing","loc":["body","params","5-inputs-x"],"msg":"Field required"}]}', 422),
      ],
      ends: { type: 'invalid', billed: 'no', detail: '5-inputs-x: Field required', parameters: ['5-inputs-x'] },
    },
    {
      title: `429 (${mode})`,
      mode,
      replies: [text(429, 'slow down')],
      ends: { type: 'refused', billed: 'no', retryable: true },
    },
    {
      title: `500 text (${mode})`,
      mode,
      replies: [text(500, 'Internal Server Error')],
      ends: { type: 'failed', billed: 'maybe' },
    },
    {
      title: `500, empty (${mode})`,
      mode,
      replies: [text(500, '')],
      ends: { type: 'failed', message: 'ViewComfy answered HTTP 500' },
    },
    {
      title: `502 HTML (${mode})`,
      mode,
      replies: [text(502, '<h1>Bad gateway</h1>', 'text/html')],
      ends: { type: 'cut', detail: undefined },
    },
    {
      title: `200 HTML (${mode})`,
      mode,
      replies: [text(200, '<title>Log in</title>', 'text/html')],
      ends: { type: 'unintelligible' },
    },
    { title: `200 SSE (${mode})`, mode, replies: [{ ...whole, status: 200 }], ends: FILE },
    { title: `201 JSON (${mode})`, mode, replies: [json(resultOf())], ends: FILE },
    { title: `200 JSON (${mode})`, mode, replies: [json(resultOf(), 200)], ends: FILE },
  ]),
  {
    title: '422 whose body never ends',
    replies: [{ ...json('{"detail":"no', 422), end: 'open' }],
    ends: { type: 'invalid', billed: 'no' },
  },
  {
    title: 'JSON of something else',
    mode: 'plain',
    replies: [json('{"hello":"world"}')],
    ends: { type: 'unintelligible' },
  },
  { title: 'JSON that breaks off', mode: 'plain', replies: [json(resultOf().slice(0, 99))], ends: { type: 'cut' } },
  {
    title: 'a stream of something else',
    replies: [{ body: stream(['tick', '1'], ['tick', '2']) }],
    ends: { type: 'unintelligible' },
  },
  {
    title: '307, same origin',
    replies: [moved(307, '/other'), whole],
    ends: FILE,
    holds: ({ seen }) => seen.every(({ method }) => method === 'POST'),
  },
  {
    title: '307, another origin',
    replies: [moved(307, 'http://127.0.0.2:9/')],
    ends: { type: 'refused', billed: 'no' },
  },
  {
    title: '303, three times',
    replies: [...Array.from({ length: 3 }, () => moved(303, '/infer?call=1')), whole],
    ends: FILE,
  },
  {
    title: '303, 25 times',
    replies: [...Array.from({ length: 25 }, () => moved(303, '/infer?call=1')), whole],
    ends: FILE,
  },
  { title: '302', replies: [moved(302, '/login')], ends: { type: 'refused', billed: 'no' } },
  {
    title: 'CRLF lines',
    replies: [{ body: logAndResult.replaceAll('\n', '\r\n') }],
    ends: FILE,
    tells: [log('Größe ✓')],
  },
  { title: 'CR lines', replies: [{ body: logAndResult.replaceAll('\n', '\r') }], ends: FILE, tells: [log('Größe ✓')] },
  {
    title: 'pings, unknown events and a byte order mark',
    replies: [{ body: `\u{feff}: ping\r\n\r\n${stream(['queue_position', '3'], ['queue_position', '2'], RESULT)}` }],
    ends: FILE,
    holds: () => bench.logged.filter((line) => line.includes('queue_position')).length === 1,
  },
  {
    title: 'an event without data, then data without a name',
    replies: [{ body: `event: prompt_result\n\ndata: ${resultOf()}\n\n` }],
    ends: { type: 'unintelligible' },
  },
  { title: 'outputs null', replies: [result(null)], ends: { type: 'failed', detail: 'no files' } },
  {
    title: 'a field that is not known',
    replies: [result([output({ colour: 'red' })], { novelty: 1 })],
    ends: FILE,
    holds: () => bench.logged.filter((line) => line.includes('novelty')).length === 1,
  },
  {
    title: 'generation 2: success',
    mode: 'poll',
    replies: [taken, history({ status: 'running', completed: false }), history(succeeded)],
    ends: FILE,
    holds: onePost,
  },
  {
    title: 'generation 2: 401',
    mode: 'poll',
    replies: [json('{"detail":"bad key"}', 401)],
    ends: { type: 'refused', billed: 'no', detail: 'bad key' },
  },
  {
    title: 'generation 2: the keys are taken away meanwhile',
    mode: 'poll',
    replies: [taken, json('{"detail":"bad key"}', 401)],
    ends: { type: 'refused', billed: 'maybe' },
  },
  {
    title: 'generation 2: a result with status error',
    mode: 'poll',
    replies: [taken, history({ status: 'error', completed: true })],
    ends: { type: 'failed' },
  },
  {
    title: 'generation 2: status error, and completed left out',
    mode: 'poll',
    replies: [taken, history({ status: 'error' })],
    ends: { type: 'failed' },
  },
  {
    title: 'generation 2: outputs null',
    mode: 'poll',
    replies: [taken, history({ status: 'success', completed: true, outputs: null })],
    ends: { type: 'failed', detail: 'no files' },
  },
  {
    title: 'generation 2: trouble on the way is waited out, and nothing is sent twice',
    mode: 'poll',
    replies: [
      taken,
      text(502, ''),
      text(503, ''),
      { ...taken, body: [], end: 'cut' },
      text(200, '<h1>Back soon</h1>', 'text/html'),
      history(succeeded),
    ],
    ends: FILE,
    holds: onePost,
  },
];

test.for(CASES)('$title', async (situation) => {
  const { service, outcome, expected } = await play(bench, situation);
  expect(outcome).toMatchObject(expected);
  await eventually(() => expect(situation.holds?.(service) ?? true).toBe(true));
});
