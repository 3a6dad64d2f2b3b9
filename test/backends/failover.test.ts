import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Backend, BackendEvent, RunRequest } from '../../src/backends/backend.ts';
import { createFailover } from '../../src/backends/failover.ts';
import { onlySuited } from '../../src/backends/suited.ts';
import { BackendError } from '../../src/errors.ts';
import { createManualClock } from '../manual-clock.ts';
import { collect } from './_run.ts';

const gone = new BackendError('nobody there', { type: 'unreachable', billed: 'no', retryable: true });
const request: RunRequest = {
  folder: '/nowhere',
  signal: new AbortController().signal,
  parameters: {},
  files: {},
};

/** A backend that does what stands in the list, one entry a run. */
function createScripted(name: string, ...script: readonly (BackendError | readonly BackendEvent[])[]) {
  const asked: string[] = [];
  async function* play(what: string): AsyncGenerator<BackendEvent> {
    asked.push(what);
    const next = script[asked.length - 1] ?? [];
    if (next instanceof BackendError) throw next;
    yield* next;
  }
  const backend: Backend = {
    name,
    capabilities: { progress: true, preview: false, cancel: name !== 'AMQP', resume: true, handleFirst: true },
    run: () => play('run'),
    resume: (handle) => play(`resume ${handle}`),
    close: async () => void asked.push('close'),
  };
  return { backend, asked };
}

function join(...backends: readonly { backend: Backend }[]) {
  const clock = createManualClock();
  const failover = createFailover(
    backends.map(({ backend }) => backend),
    { clock, log: pino({ level: 'silent' }) },
  );
  return { clock, failover };
}

const line = { type: 'log-line', line: 'hello' } as const;

describe('several backends', () => {
  it('take a run in their order, and the one that does is told first', async () => {
    const [one, two] = [createScripted('One', [line]), createScripted('AMQP')];
    const { failover } = join(one, two);
    expect(failover.name).toBe('One or AMQP');
    expect(failover.capabilities.cancel).toBe(false);
    expect(await collect(failover.run(request))).toEqual([
      { type: 'backend-chosen', name: 'One', canStop: true },
      line,
    ]);
    expect(two.asked).toEqual([]);
  });

  it.for([
    ['cannot be reached', gone],
    ['turns the bot away', new BackendError('no credits', { type: 'refused', billed: 'no' })],
  ] as const)('hand a run on when the first %s', async ([, error]) => {
    const [one, two] = [createScripted('One', error), createScripted('AMQP', [line])];
    const events = await collect(join(one, two).failover.run(request));
    expect(events.filter(({ type }) => type === 'backend-chosen')).toEqual([
      { type: 'backend-chosen', name: 'One', canStop: true },
      { type: 'backend-chosen', name: 'AMQP', canStop: false },
    ]);
    expect(two.asked).toEqual(['run']);
  });

  it.for([
    ['may have been billed', new BackendError('cut', { type: 'cut', billed: 'maybe' })],
    ['was not accepted', new BackendError('no such node', { type: 'invalid', billed: 'no' })],
    ['failed', new BackendError('no memory', { type: 'failed', billed: 'maybe' })],
    ['is unreachable but may have been taken', new BackendError('?', { type: 'unreachable', billed: 'maybe' })],
  ] as const)('never hand on a run that %s', async ([, error]) => {
    const [one, two] = [createScripted('One', error), createScripted('Two', [line])];
    await expect(collect(join(one, two).failover.run(request))).rejects.toBe(error);
    expect(two.asked).toEqual([]);
  });

  it('leave one that fails again and again alone until it has rested, and ask it again then', async () => {
    const one = createScripted('One', gone, gone, gone, gone, [line]);
    const two = createScripted('Two');
    const { clock, failover } = join(one, two);
    for (let run = 0; run < 5; run += 1) await collect(failover.run(request));
    expect([one.asked.length, two.asked.length]).toEqual([3, 5]);
    expect(failover.health?.()).toEqual([
      { name: 'One', state: 'resting' },
      { name: 'Two', state: 'up' },
    ]);
    clock.advance(30_000);
    await collect(failover.run(request));
    expect([one.asked.length, two.asked.length]).toEqual([4, 6]);
    clock.advance(30_000);
    await collect(failover.run(request));
    expect(one.asked).toHaveLength(4);
    clock.advance(30_000);
    await collect(failover.run(request));
    expect([one.asked.length, two.asked.length]).toEqual([5, 7]);
    expect(failover.health?.()[0]).toEqual({ name: 'One', state: 'up' });
  });

  it('are all asked when all of them rest', async () => {
    const refusal = new BackendError('later', {
      type: 'refused',
      billed: 'no',
      retryable: true,
      retryAfterMs: 60_000,
    });
    const [one, two] = [createScripted('One', refusal, [line]), createScripted('Two', gone, gone, gone)];
    const { failover } = join(one, two);
    await expect(collect(failover.run(request))).rejects.toBe(gone);
    // One asked to be left alone for a minute, so Two is asked first now.
    await expect(collect(failover.run(request))).resolves.toContainEqual(line);
    expect(two.asked).toHaveLength(2);
  });

  it('find a run again where it was begun, and nowhere else', async () => {
    const handle = { type: 'handle-assigned', handle: 'http://a b/?c=1' } as const;
    const [one, two] = [createScripted('One', gone), createScripted('Two & Co', [handle], [line])];
    const { failover } = join(one, two);
    const events = await collect(failover.run(request));
    const kept = events.find((event) => event.type === 'handle-assigned')?.handle ?? '';
    const found = failover.resume?.(kept, request);
    expect(found && (await collect(found))).toEqual([line]);
    expect(two.asked).toEqual(['run', `resume ${handle.handle}`]);
    const lost = join(one).failover.resume?.(kept, request);
    await expect(lost && collect(lost)).rejects.toMatchObject({ type: 'unknown' });
  });

  it('are closed together', async () => {
    const [one, two] = [createScripted('One'), createScripted('Two')];
    await join(one, two).failover.close();
    expect([one.asked, two.asked]).toEqual([['close'], ['close']]);
  });
});

describe('a recipe that not every backend can run', () => {
  function three() {
    const [viewcomfy, comfyui, amqp] = [createScripted('V'), createScripted('C'), createScripted('AMQP', [line])];
    const { failover, clock } = join(
      { backend: { ...viewcomfy.backend, kind: 'viewcomfy' } },
      { backend: { ...comfyui.backend, kind: 'comfyui' } },
      { backend: { ...amqp.backend, kind: 'amqp' } },
    );
    return { failover, clock, asked: () => [viewcomfy.asked, comfyui.asked, amqp.asked].map(({ length }) => length) };
  }

  it('goes to the first that can, past the others', async () => {
    const { failover, asked } = three();
    const [chosen] = await collect(failover.run({ ...request, kinds: ['amqp', 'comfyui'] }));
    expect(chosen).toEqual({ type: 'backend-chosen', name: 'C', canStop: true });
    await collect(failover.run({ ...request, kinds: ['segmind', 'amqp'] }));
    await collect(failover.run(request));
    expect(asked()).toEqual([1, 1, 1]);
    expect(failover.members).toEqual([
      { name: 'V', kind: 'viewcomfy' },
      { name: 'C', kind: 'comfyui' },
      { name: 'AMQP', kind: 'amqp' },
    ]);
  });

  it('is not handed on to one that cannot when the one that can is gone', async () => {
    const [one, two, three] = [
      createScripted('One', gone),
      createScripted('Two', [line]),
      createScripted('Three', gone),
    ];
    const { failover } = join(
      { backend: { ...one.backend, kind: 'viewcomfy' } },
      { backend: { ...two.backend, kind: 'segmind' } },
      { backend: { ...three.backend, kind: 'comfyui' } },
    );
    const run = failover.run({ ...request, kinds: ['viewcomfy', 'comfyui'] });
    await expect(collect(run)).rejects.toBe(gone);
    expect([one.asked, two.asked, three.asked]).toEqual([['run'], [], ['run']]);
  });

  it('is run by one without a kind, which stands for any', async () => {
    const one = createScripted('One', [line]);
    const run = onlySuited(one.backend).run({ ...request, kinds: ['segmind'] });
    expect(await collect(run)).toEqual([line]);
  });

  it('ends at once where none can, one backend or several, and the error says what could', async () => {
    const error = {
      type: 'unsuited',
      billed: 'no',
      message: 'the recipe runs only on comfyui or segmind, and none is configured',
    };
    const kinds = ['comfyui', 'segmind'] as const;
    const [one, two] = [createScripted('One'), createScripted('Two')];
    const viewcomfy: Backend = { ...one.backend, kind: 'viewcomfy' };
    const { failover } = join({ backend: viewcomfy }, { backend: { ...two.backend, kind: 'amqp' } });
    await expect(collect(failover.run({ ...request, kinds }))).rejects.toMatchObject(error);
    await expect(collect(onlySuited(viewcomfy).run({ ...request, kinds }))).rejects.toMatchObject(error);
    expect([one.asked, two.asked]).toEqual([[], []]);
  });

  it('is found again whatever the recipe says now', async () => {
    const one = createScripted('One', [line]);
    const found = onlySuited({ ...one.backend, kind: 'viewcomfy' }).resume?.('h', request);
    expect(found && (await collect(found))).toEqual([line]);
  });
});
