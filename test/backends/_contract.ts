import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { collect, createDesk, expectFiles, failureOf, type Desk } from './_run.ts';
import { eventually } from '../eventually.ts';

/** What a service can be made to do with the next run it gets. */
export type Situation =
  | 'run-error'
  | 'validation-error'
  | 'wrong-credentials'
  | 'busy'
  | 'busy-for-long'
  | 'long-run'
  | 'cut-before-answer'
  | 'cut-while-running'
  | 'cut-in-result'
  | 'silence'
  | 'foreign-events'
  | 'no-files'
  | 'something-else';

/** A service that stands for a backend's real one, and the backend that speaks to it. */
export interface StandIn {
  readonly secrets: readonly string[];
  /** how many runs the service has taken */
  readonly taken: () => number;
  /** how many of them it still works on */
  readonly working: () => number;
  next(situation: Situation): void;
  /**
   * On its clock a second passes at once, or nearly so.
   * @param limits idle time in milliseconds of the test, bytes of all results
   */
  connect(limits?: { idleTimeoutMs?: number; maxResultBytes?: number }): Backend;
  /** The service goes away, and its connections with it. */
  stop(): Promise<void>;
}

/** The cases that every backend passes against its stand-in. */
export function describeBackend(name: string, start: () => Promise<StandIn>): void {
  describe(`${name} as a backend`, () => {
    let service: StandIn;
    let backend: Backend;
    let desk: Desk;
    beforeEach(async () => {
      service = await start();
      backend = service.connect();
      desk = await createDesk();
    });
    afterEach(async () => {
      await backend.close();
      await service.stop();
      await desk.clear();
    });
    const failure = (from = backend) => failureOf(from, desk, service.secrets);

    test('gives several files, each a whole picture with a name of its own', async () => {
      const files = await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(files.length).toBeGreaterThan(3);
      expect(new Set(files.map((file) => file.name)).size).toBe(files.length);
      for (const { path, mediaType, name } of files) {
        expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(mediaType).toBe(`image/${(await sharp(path).metadata()).format}`);
      }
      expect(service.taken()).toBe(1);
    });

    test('tells progress in order where it can, log lines of one line each, and files last', async () => {
      const events = await collect(backend.run(desk.request));
      const bars = events.filter((event) => event.type === 'progress-changed');
      expect(bars.length > 5).toBe(backend.capabilities.progress);
      for (const [index, { done, total }] of bars.entries()) {
        const before = bars[index - 1];
        expect(done).toBeLessThanOrEqual(total);
        // A bar that does not go on is another one, and begins anew.
        expect(before === undefined || done >= before.done || done === 0 || before.done === before.total).toBe(true);
      }
      const lines = events.filter((event) => event.type === 'log-line').map(({ line }) => line);
      expect(lines.length > 3).toBe(backend.capabilities.progress);
      expect(lines.filter((line) => /[\r\n]|\d+%\|/.test(line))).toEqual([]);
      const first = events.findIndex((event) => event.type === 'file-ready');
      expect(events.slice(first).every((event) => event.type === 'file-ready')).toBe(true);
    });

    test('ignores events and fields that it does not know', async () => {
      service.next('foreign-events');
      expect((await expectFiles(desk, await collect(backend.run(desk.request)))).length).toBeGreaterThan(3);
    });

    test('runs several at once without mixing them up', async () => {
      const other = await createDesk();
      const [mine, theirs] = await Promise.all([
        collect(backend.run(desk.request)),
        collect(backend.run(other.request)),
      ]);
      await expectFiles(desk, mine);
      await expectFiles(other, theirs);
      expect(service.taken()).toBe(2);
      await other.clear();
    });

    test('a cancelled run ends at once, here and there', async () => {
      const failed = failure();
      await eventually(() => expect(service.working()).toBe(1));
      desk.abort();
      expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe', retryable: false });
      await eventually(() => expect(service.working()).toBe(0));
    });

    test('a run that was cancelled before it began is not sent', async () => {
      desk.abort();
      expect(await failure()).toMatchObject({ type: 'cancelled', billed: 'no' });
      expect(service.taken()).toBe(0);
    });

    test('a run that nobody listens to any more is left', async () => {
      service.next('long-run');
      for await (const event of backend.run(desk.request)) {
        expect(event.type).not.toBe('file-ready');
        break;
      }
      await eventually(() => expect(service.working()).toBe(0));
      expect(await desk.results()).toEqual([]);
    });

    test('a run that was left by a backend that closed is found again by its handle, and not begun anew', async () => {
      expect(backend.capabilities.resume).toBe(backend.resume !== undefined);
      if (!backend.resume) return;
      service.next('long-run');
      const handles: string[] = [];
      const left = (async () => {
        for await (const event of backend.run(desk.request)) {
          if (event.type === 'handle-assigned') handles.push(event.handle);
        }
      })().catch((error: unknown) => error);
      await eventually(() => expect([handles.length > 0, service.working()]).toEqual([true, 1]));
      await backend.close();
      expect(await left).toMatchObject({ type: 'cancelled' });
      const [handle = ''] = handles.slice(-1);
      const next = service.connect();
      const found = next.resume?.(handle, desk.request) ?? backend.run(desk.request);
      expect((await expectFiles(desk, await collect(found))).length).toBeGreaterThan(3);
      expect(service.taken()).toBe(1);
      await next.close();
    });

    test('closing ends what runs, and lets nothing begin', async () => {
      const failed = failure();
      await eventually(() => expect(service.working()).toBe(1));
      await backend.close();
      expect(await failed).toMatchObject({ type: 'cancelled' });
      expect(await failure()).toMatchObject({ type: 'cancelled' });
      expect(service.taken()).toBe(1);
    });

    test('an error of the run is a failure in the words of the service', async () => {
      service.next('run-error');
      const error = await failure();
      expect(error).toMatchObject({ type: 'failed', billed: 'maybe', retryable: false });
      expect(error.detail).toMatch(/out of memory/i);
    });

    test('an end without files is a failure', async () => {
      service.next('no-files');
      expect(await failure()).toMatchObject({ type: 'failed', retryable: false });
    });

    test('a validation error names the parameter and costs nothing', async () => {
      service.next('validation-error');
      const error = await failure();
      expect(error).toMatchObject({ type: 'invalid', billed: 'no', retryable: false });
      expect(error.detail).toContain('594-inputs-string');
      expect(error.parameters).toEqual(['594-inputs-string']);
    });

    test('wrong credentials are refused and cost nothing', async () => {
      service.next('wrong-credentials');
      expect(await failure()).toMatchObject({ type: 'refused', billed: 'no', retryable: false });
    });

    test('a service that is busy for a moment is asked again, when it says', async () => {
      service.next('busy');
      await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(service.taken()).toBe(1);
    });

    test('a service that is busy for long has taken nothing', async () => {
      service.next('busy-for-long');
      expect(await failure()).toMatchObject({ type: 'refused', billed: 'no', retryable: true, retryAfterMs: 600_000 });
    });

    test('a service that is not there was not asked for anything', async () => {
      await service.stop();
      expect(await failure()).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
    });

    test('a service that goes away while it works has perhaps done the work', async () => {
      const patient = service.connect({ idleTimeoutMs: 400 });
      const failed = failure(patient);
      await eventually(() => expect(service.working()).toBe(1));
      await service.stop();
      const error = await failed;
      // Where a run can be found again, it is waited for until the time is over.
      expect(error.type).toBe(backend.capabilities.cancel ? 'timeout' : 'cut');
      expect(error).toMatchObject({ billed: 'maybe', retryable: false });
      await patient.close();
    });

    test.for(['cut-before-answer', 'cut-while-running', 'cut-in-result'] as const)(
      '%s is a cut, and nothing is sent twice',
      async (situation) => {
        service.next(situation);
        expect(await failure()).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
        expect(service.taken()).toBeLessThanOrEqual(1);
      },
    );

    test('silence is waited for only so long', async () => {
      service.next('silence');
      const impatient = service.connect({ idleTimeoutMs: 400 });
      expect(await failure(impatient)).toMatchObject({ type: 'timeout', billed: 'maybe', retryable: false });
      await eventually(() => expect(service.working()).toBe(0));
      await impatient.close();
    });

    test('results larger than we take are not taken', async () => {
      const small = service.connect({ maxResultBytes: 2000 });
      expect(await failure(small)).toMatchObject({ type: 'too-large', retryable: false });
      await small.close();
    });

    test('an answer of another kind of server is not understood', async () => {
      service.next('something-else');
      expect(await failure()).toMatchObject({ type: 'unintelligible', retryable: false });
    });
  });
}
