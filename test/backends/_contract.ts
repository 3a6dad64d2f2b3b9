import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend, RunRequest } from '../../src/backends/backend.ts';
import type { ContractCell } from '../contract-table.ts';
import { eventually } from '../eventually.ts';
import { collect, createDesk, expectFiles, failureOf, type Desk } from './_run.ts';

/** What a service can be made to do with the next run it gets. */
export type Situation =
  | 'run-error'
  | 'out-of-memory'
  | 'validation-error'
  | 'wrong-credentials'
  | 'busy'
  | 'busy-for-long'
  | 'long-run'
  /** the service has another run to do first, which takes a while; it counts as no run that was taken */
  | 'waits'
  | 'cut-before-answer'
  | 'cut-while-running'
  | 'cut-in-result'
  | 'silence'
  | 'foreign-events'
  | 'no-files'
  | 'something-else';

const CUTS = ['cut-before-answer', 'cut-while-running', 'cut-in-result'] as const;
/** The lines of the contract's table, which test/contract-table.ts prints; a backend is a column. */
const CASES = [
  'several-files',
  'progress',
  'preview',
  'queue-position',
  'foreign-events',
  'at-once',
  'cancel',
  'cancel-before',
  'cancel-waiting',
  'leave',
  'resume',
  'handle-first',
  'close',
  'run-error',
  'out-of-memory',
  'no-files',
  'validation-error',
  'wrong-credentials',
  'busy',
  'busy-for-long',
  'absent',
  'gone',
  ...CUTS,
  'silence',
  'too-large',
  'something-else',
] as const;
type Cut = (typeof CUTS)[number];
type ContractCase = (typeof CASES)[number];

/** What a service cannot do, as a sentence that says why: its case is skipped, and says so. */
export type Lacks = Readonly<Partial<Record<ContractCase, string>>>;

/** A service that stands for a backend's real one, and the backend that speaks to it. */
export interface StandIn {
  readonly secrets: readonly string[];
  /** what every run asks for, where it is not what the character workflow of ViewComfy is asked */
  readonly request?: Partial<Pick<RunRequest, 'parameters' | 'files' | 'workflow'>>;
  /** how many files a run gives at least: 4 */
  readonly files?: number;
  /** whether the service tells lines of a log: where it tells progress */
  readonly logs?: boolean;
  /** whether the service stops what nobody waits for any more: true. Otherwise such runs go on, for nobody */
  readonly endsWhenLeft?: boolean;
  /** the parameter that `validation-error` complains about: `594-inputs-string` */
  readonly complaint?: string;
  /** how a run fails whose service is gone for good: `timeout` where runs can be cancelled, which are waited for */
  readonly whenGone?: 'timeout' | 'cut';
  /** cuts that the backend gets over, so that the run gives its files all the same */
  readonly survives?: readonly Cut[];
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
export function describeBackend(name: string, start: () => Promise<StandIn>, lacks: Lacks = {}): void {
  const cases = new Set<ContractCase>();
  describe(`${name} as a backend`, () => {
    /** A case of the table: run, or else skipped with the reason in its title. */
    function check(which: ContractCase, title: string, run: () => Promise<void>): void {
      const lack = lacks[which];
      cases.add(which);
      const contract: ContractCell = { backend: name, case: which, ...(lack !== undefined && { lack }) };
      const register = lack === undefined ? test : test.skip;
      register(lack === undefined ? title : `${title} (${lack})`, { meta: { contract } }, async ({ task }) => {
        await run();
        const isCapability = which === 'progress' || which === 'preview' || which === 'cancel' || which === 'resume';
        const isDeclined =
          which === 'handle-first' ? !backend.capabilities.handleFirst : isCapability && !backend.capabilities[which];
        if (isDeclined) task.meta.contract = { ...contract, declined: true };
      });
    }

    let service: StandIn;
    let backend: Backend;
    let desk: Desk;
    beforeEach(async () => {
      service = await start();
      backend = service.connect();
      desk = await createDesk(service.request);
    });
    afterEach(async () => {
      await backend.close();
      await service.stop();
      await desk.clear();
    });
    const failure = (from = backend) => failureOf(from, desk, service.secrets);
    const least = () => service.files ?? 4;
    /** What nobody waits for is ended there as well, where the service can be told. */
    async function expectLeft(): Promise<void> {
      if (service.endsWhenLeft ?? true) await eventually(() => expect(service.working()).toBe(0));
    }

    check('several-files', 'gives several files, each a whole picture with a name of its own', async () => {
      const files = await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(files.length).toBeGreaterThanOrEqual(least());
      expect(new Set(files.map((file) => file.name)).size).toBe(files.length);
      for (const { path, mediaType, name } of files) {
        expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(mediaType).toBe(`image/${(await sharp(path).metadata()).format}`);
      }
      expect(service.taken()).toBe(1);
    });

    check('progress', 'tells progress in order where it can, log lines of one line each, and files last', async () => {
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
      expect(lines.length > 3).toBe(service.logs ?? backend.capabilities.progress);
      expect(lines.filter((line) => /[\r\n]|\d+%\|/.test(line))).toEqual([]);
      const first = events.findIndex((event) => event.type === 'file-ready');
      expect(events.slice(first).every((event) => event.type === 'file-ready')).toBe(true);
    });

    check('preview', 'shows previews where it can, each a whole picture', async () => {
      const events = await collect(backend.run(desk.request));
      const previews = events.filter((event) => event.type === 'preview-ready');
      expect(previews.length > 0).toBe(backend.capabilities.preview);
      for (const { body, mediaType } of previews) {
        expect(mediaType).toBe(`image/${(await sharp(body).metadata()).format}`);
      }
    });

    check('queue-position', 'tells how many runs are done first, and when none is any more', async () => {
      service.next('waits');
      const events = await collect(backend.run(desk.request));
      const ahead = events.filter((event) => event.type === 'queue-changed').map(({ ahead }) => ahead);
      expect(ahead[0]).toBeGreaterThan(0);
      expect(ahead.at(-1)).toBe(0);
      await expectFiles(desk, events);
    });

    check('foreign-events', 'ignores events and fields that it does not know', async () => {
      service.next('foreign-events');
      const files = await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(files.length).toBeGreaterThanOrEqual(least());
    });

    check('at-once', 'runs several at once without mixing them up', async () => {
      const other = await createDesk(service.request);
      const [mine, theirs] = await Promise.all([
        collect(backend.run(desk.request)),
        collect(backend.run(other.request)),
      ]);
      await expectFiles(desk, mine);
      await expectFiles(other, theirs);
      expect(service.taken()).toBe(2);
      await other.clear();
    });

    check('cancel', 'a cancelled run ends at once, here and there', async () => {
      const failed = failure();
      await eventually(() => expect(service.working()).toBe(1));
      desk.abort();
      expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe', retryable: false });
      await expectLeft();
    });

    check('cancel-before', 'a run that was cancelled before it began is not sent', async () => {
      desk.abort();
      expect(await failure()).toMatchObject({ type: 'cancelled', billed: 'no' });
      expect(service.taken()).toBe(0);
    });

    check('cancel-waiting', 'a run that waits its turn at the service can be cancelled', async () => {
      service.next('waits');
      const failed = (async () => {
        for await (const event of backend.run(desk.request)) if (event.type === 'queue-changed') desk.abort();
      })().catch((error: unknown) => error);
      expect(await failed).toMatchObject({ type: 'cancelled', retryable: false });
      await expectLeft();
    });

    check('leave', 'a run that nobody listens to any more is left', async () => {
      service.next('long-run');
      for await (const event of backend.run(desk.request)) {
        expect(event.type).not.toBe('file-ready');
        break;
      }
      await expectLeft();
      expect(await desk.results()).toEqual([]);
    });

    const found = 'a run that was left by a backend that closed is found again by its handle, and not begun anew';
    check('resume', found, async () => {
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
      expect((await expectFiles(desk, await collect(found))).length).toBeGreaterThanOrEqual(least());
      expect(service.taken()).toBe(1);
      await next.close();
    });

    check('handle-first', 'nothing is begun while the handle of a run is not kept', async () => {
      if (!backend.capabilities.handleFirst) return;
      for await (const event of backend.run(desk.request)) {
        if (event.type === 'handle-assigned') break;
      }
      // As after a kill: another one asks for a run, and the first is nowhere.
      await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(service.taken()).toBe(1);
    });

    check('close', 'closing ends what runs, and lets nothing begin', async () => {
      const failed = failure();
      await eventually(() => expect(service.working()).toBe(1));
      await backend.close();
      expect(await failed).toMatchObject({ type: 'cancelled' });
      expect(await failure()).toMatchObject({ type: 'cancelled' });
      expect(service.taken()).toBe(1);
    });

    check('run-error', 'an error of the run is a failure in the words of the service', async () => {
      service.next('run-error');
      const error = await failure();
      expect(error).toMatchObject({ type: 'failed', billed: 'maybe', retryable: false });
      expect(error.detail).toMatch(/noise is of another size/);
    });

    check('out-of-memory', 'a run that needs more memory than there is says so', async () => {
      service.next('out-of-memory');
      const error = await failure();
      expect(error).toMatchObject({ type: 'failed', billed: 'maybe', retryable: false });
      expect(error.detail).toMatch(/out of memory/i);
    });

    check('no-files', 'an end without files is a failure', async () => {
      service.next('no-files');
      expect(await failure()).toMatchObject({ type: 'failed', retryable: false });
    });

    check('validation-error', 'a validation error names the parameter and costs nothing', async () => {
      service.next('validation-error');
      const error = await failure();
      expect(error).toMatchObject({ type: 'invalid', billed: 'no', retryable: false });
      expect(error.detail).toBeTruthy();
      expect(error.parameters).toEqual([service.complaint ?? '594-inputs-string']);
    });

    check('wrong-credentials', 'wrong credentials are refused and cost nothing', async () => {
      service.next('wrong-credentials');
      expect(await failure()).toMatchObject({ type: 'refused', billed: 'no', retryable: false });
    });

    check('busy', 'a service that is busy for a moment is asked again, when it says', async () => {
      service.next('busy');
      await expectFiles(desk, await collect(backend.run(desk.request)));
      expect(service.taken()).toBe(1);
    });

    check('busy-for-long', 'a service that is busy for long has taken nothing', async () => {
      service.next('busy-for-long');
      expect(await failure()).toMatchObject({ type: 'refused', billed: 'no', retryable: true, retryAfterMs: 600_000 });
    });

    check('absent', 'a service that is not there was not asked for anything', async () => {
      await service.stop();
      expect(await failure()).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
    });

    check('gone', 'a service that goes away while it works has perhaps done the work', async () => {
      const patient = service.connect({ idleTimeoutMs: 400 });
      const failed = failure(patient);
      await eventually(() => expect(service.working()).toBe(1));
      await service.stop();
      const error = await failed;
      // Where a run can be found again, it is waited for until the time is over.
      expect(error.type).toBe(service.whenGone ?? (backend.capabilities.cancel ? 'timeout' : 'cut'));
      expect(error).toMatchObject({ billed: 'maybe', retryable: false });
      await patient.close();
    });

    for (const situation of CUTS) {
      check(situation, `${situation} is got over or is a cut, and nothing is sent twice`, async () => {
        service.next(situation);
        if (service.survives?.includes(situation)) await expectFiles(desk, await collect(backend.run(desk.request)));
        else {
          // A run whose loss is told by the service itself is `unknown` there.
          const error = await failure();
          expect(['cut', 'unknown']).toContain(error.type);
          expect(error).toMatchObject({ billed: 'maybe', retryable: false });
        }
        expect(service.taken()).toBeLessThanOrEqual(1);
      });
    }

    check('silence', 'silence is waited for only so long', async () => {
      service.next('silence');
      const impatient = service.connect({ idleTimeoutMs: 400 });
      expect(await failure(impatient)).toMatchObject({ type: 'timeout', billed: 'maybe', retryable: false });
      await expectLeft();
      await impatient.close();
    });

    check('too-large', 'results larger than we take are not taken', async () => {
      const small = service.connect({ maxResultBytes: 2000 });
      expect(await failure(small)).toMatchObject({ type: 'too-large', retryable: false });
      await small.close();
    });

    check('something-else', 'an answer of another kind of server is not understood', async () => {
      service.next('something-else');
      expect(await failure()).toMatchObject({ type: 'unintelligible', retryable: false });
    });
  });

  test(`${name}: every case is run, or is a stated lack`, () => {
    expect([...cases].toSorted()).toEqual(CASES.toSorted());
    expect(Object.values(lacks).filter((reason) => reason.trim() === '')).toEqual([]);
  });
}
