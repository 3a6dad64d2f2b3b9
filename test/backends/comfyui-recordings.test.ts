import { describe, expect, test } from 'vitest';
import { partlyRefused, refusePrompt } from '../../src/backends/comfyui/failures.ts';
import { readBinary, readText } from '../../src/backends/comfyui/frames.ts';
import { endedIn } from '../../src/backends/comfyui/records.ts';
import { createCleaner } from '../../src/backends/detail.ts';
import { parsePythonJson } from '../../src/backends/python-json.ts';
import { BackendError } from '../../src/errors.ts';
import { createRandom } from '../../src/playground/drawing/random.ts';
import type { Workflow } from '../../src/recipes/workflow.ts';
import { createLab, WORKFLOW } from './_comfyui.ts';
import { hasRecordings, HINT, readRecording, replay, runsOf, type Line } from './_recordings.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import { createService } from './_service.ts';

const clean = createCleaner([]);
const NATIVE = [
  'native-s01_success',
  'native-s02_success_preview_metadata',
  'native-s03_cached_rerun',
  'native-s05_execution_error',
  'native-s06_interrupt',
  'native-s07_queue_delete',
  'native-s11_sd_workflow',
  'native-s12_uploads_and_view',
  'hs-dist-ws_native_on_fork',
] as const;

/** What of a recording the test needs; skipped with the hint where there is none. */
describe.skipIf(!hasRecordings())(`recordings of real servers${hasRecordings() ? '' : ` (${HINT})`}`, () => {
  test.each(NATIVE)('%s is followed to the same end, however it is cut', async (name) => {
    const runs = runsOf(await readRecording(name));
    expect(runs.length).toBeGreaterThan(0);
    for (const [index, run] of runs.slice(0, 4).entries()) {
      const lab = await createLab();
      const server = await replay(run, lab.desk.sent, createRandom(name, index));
      const backend = lab.connect({ urls: [server.url] });
      const events = [];
      let error: unknown;
      try {
        for await (const event of backend.run(lab.desk.request)) events.push(event);
      } catch (reason) {
        error = reason;
      }
      const nodes = nodesOf(run.outputs);
      const expected = run.ending === 'execution_success' && nodes.length > 0 ? undefined : 'failed';
      expect(error instanceof BackendError ? error.type : error).toBe(expected);
      const files = await expectFiles(lab.desk, events);
      expect(files.map(({ node }) => node)).toEqual(expected ? [] : nodes);
      const own = run.frames.flatMap((frame) => hintsOf(frame, run.promptId));
      const steps = own.filter((hint) => hint?.type === 'steps' && hint.nodes.some(({ total }) => total > 1));
      expect(events.some(({ type }) => type === 'progress-changed')).toBe(steps.length > 0);
      expect(events.filter(({ type }) => type === 'preview-ready').length > 0).toBe(
        own.some((hint) => hint?.type === 'preview'),
      );
      await server.close();
      await lab.close();
    }
  });

  test('no frame of a stranger is taken for ours', async () => {
    for (const name of NATIVE) {
      const { length } = runsOf(await readRecording(name)).flatMap(({ frames }) =>
        frames.flatMap((frame) => hintsOf(frame, '00000000-0000-4000-8000-000000000000')).filter(Boolean),
      );
      expect(length).toBe(0);
    }
  });

  test('a frame that is cut short, wherever, does no harm', async () => {
    const runs = runsOf(await readRecording('native-s02_success_preview_metadata'));
    const random = createRandom('cut');
    for (const { frames, promptId } of runs) {
      for (const frame of frames) {
        const part = frame.slice(0, Math.floor(random() * frame.length));
        expect(() => hintsOf(part, promptId)).not.toThrow();
      }
    }
  });

  test('every refusal has a sentence without the server’s folders', async () => {
    const refusals = (await readRecording('native-s04_validation_errors')).filter(isPrompt);
    expect(refusals.length).toBeGreaterThan(10);
    for (const { req, res } of refusals) {
      const workflow: Workflow = Object(Object(req?.json).prompt);
      const text = JSON.stringify(res?.json ?? res?.text);
      const about = { name: 'ComfyUI', retryAfter: undefined, now: 0, taken: false, clean, text };
      const status = res?.status ?? 0;
      const error =
        status === 200
          ? partlyRefused(Object(res?.json).node_errors, workflow, clean)
          : refusePrompt({ ...about, status }, workflow);
      if (!error) continue;
      const isUnderstood = status === 500 || (error.detail ?? '') !== '';
      expect([isUnderstood, status]).toEqual([true, status]);
      expect(error.detail ?? '').not.toMatch(/\/opt\/|Traceback|File "/);
      expect(error.type).toBe(status === 500 ? 'failed' : 'invalid');
    }
  });

  test('a history with NaN is read', async () => {
    const lines = await readRecording('native-s15_nan_and_polling');
    const raw = lines.find(({ src }) => src === 'raw')?.text ?? '';
    expect(raw).toContain('NaN');
    const history = Object(parsePythonJson(raw));
    const [id = ''] = Object.keys(history);
    expect(endedIn(history, id, undefined, clean)).toEqual({
      files: [],
      texts: [{ text: 'x', node: '1' }],
    });
  });

  test('the REST API of the fork is followed to its end', async () => {
    const lab = await createLab();
    const lines = (await readRecording('hs-dist-v1_async')).filter(isRest);
    const end = lines.findIndex(({ method, res }) => method === 'GET' && res?.status === 200);
    const service = await createRecorded(lines.slice(0, end + 1), lab.desk.sent);
    const backend = lab.connect({ urls: [service.url], api: 'v1' });
    const files = await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)));
    expect(files.map(({ name }) => name)).toEqual(['out_00065_.png', 'out_00066_.png']);
    await service.close();
    await lab.close();
  });

  test('the refusals and failures of the REST API of the fork are told apart', async () => {
    const lab = await createLab();
    const lines = (await readRecording('hs-dist-v1_errors')).filter(isRest);
    const asynchronous = lines.findIndex(({ res }) => res?.status === 202);
    for (const [recorded, expected] of [
      [lines.slice(0, 1), { type: 'invalid', billed: 'no', parameters: [expect.stringMatching(/^\d+-inputs-\w+$/)] }],
      [
        lines.slice(1, 2),
        { type: 'invalid', detail: 'the server has no node NoSuchNode: its custom nodes must be installed' },
      ],
      [lines.slice(asynchronous, asynchronous + 2), { type: 'failed', detail: 'deliberate failure' }],
    ] as const) {
      const service = await createRecorded(recorded, lab.desk.sent);
      const backend = lab.connect({ urls: [service.url], api: 'v1' });
      expect(await failureOf(backend, lab.desk, [])).toMatchObject(expected);
      await service.close();
    }
    await lab.close();
  });
});

function hintsOf(frame: string | Buffer, promptId: string) {
  const hint = typeof frame === 'string' ? readText(frame, promptId) : readBinary(frame, promptId);
  return hint?.type === 'queue-moved' ? [] : [hint];
}

/** The nodes of what a run gave, one for each file and text. */
function nodesOf(outputs: Readonly<Record<string, unknown>>): string[] {
  const ended = endedIn({ id: { outputs } }, 'id', WORKFLOW, clean);
  return ended && 'files' in ended ? [...ended.files, ...ended.texts].map(({ node }) => node) : [];
}

function isPrompt({ method, path, res }: Line): boolean {
  return method === 'POST' && path === '/prompt' && Boolean(res);
}

function isRest({ path }: Line): boolean {
  return path?.startsWith('/api/v1/prompts') ?? false;
}

/** Gives the recorded answers in their order, and a picture for each that is asked for. */
async function createRecorded(lines: readonly Line[], picture: Buffer) {
  const left = [...lines];
  return await createService(
    Array.from({ length: 50 }, () => ({ url }: { url: string }) => {
      if (url.includes('/upload/')) {
        return { status: 200, contentType: 'application/json', body: '{"name":"in.png","subfolder":"troupe"}' };
      }
      if (url.includes('/view')) return { status: 200, contentType: 'image/png', body: [picture] };
      const { res } = left.shift() ?? {};
      const body = res?.json === undefined ? (res?.text ?? '') : JSON.stringify(res.json);
      const half = Math.floor(body.length / 2);
      return {
        status: res?.status ?? 500,
        contentType: 'application/json',
        body: body === '' ? [] : [body.slice(0, half), body.slice(half)],
      };
    }),
  );
}
