import { afterEach, describe, expect, it } from 'vitest';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;

afterEach(() => stage.close());

describe('a backend that fails', () => {
  async function failureOf(
    options: Parameters<typeof openStage>[0],
    prepare?: (stage: Stage) => void,
  ): Promise<string> {
    stage = await openStage(options);
    prepare?.(stage);
    const ana = stage.person('ana');
    const reply = await ana.character('a pilot');
    const { text } = await ana.waitFor(reply.id, /\.(\n|$)/);
    return text;
  }

  it('by not being there is told, and nothing was paid', async () => {
    const text = await failureOf({ address: { url: 'http://127.0.0.1:9/' } });
    expect(text).toContain('ViewComfy cannot be reached. Nothing was run');
    expect(text).not.toContain('paid');
  });

  it('by a wrong secret is told to be for the operator, without the secret', async () => {
    const text = await failureOf({ address: { clientSecret: 'wrong-secret-77' } });
    expect(text).toContain('turned the bot away');
    expect(text).not.toContain('wrong-secret-77');
  });

  it('by an error event is told in its own words', async () => {
    const text = await failureOf({}, ({ viewcomfy }) =>
      viewcomfy.next({ ending: 'error', errorText: 'CUDA out of memory' }),
    );
    expect(text).toContain('the run failed');
    expect(text).toContain('CUDA out of memory');
  });

  it('by a cut stream is told to have perhaps been paid for', async () => {
    const text = await failureOf({}, ({ viewcomfy }) => viewcomfy.next({ ending: 'cut', afterLines: 3 }));
    expect(text).toContain('broke before the result had arrived');
    expect(text).toContain('may have been paid for');
  });

  it('by silence is given up', async () => {
    const text = await failureOf({ address: { idleTimeoutMs: 500 } }, ({ viewcomfy }) =>
      viewcomfy.next({ ending: 'silence', afterLines: 2 }),
    );
    expect(text).toContain('took too long');
  });

  it('by being slower than a job may be is given up', async () => {
    const text = await failureOf({ viewcomfy: { runMs: 60_000 }, limits: { runMs: 800 } });
    expect(text).toContain('took too long');
  });

  it('lets the next job run', async () => {
    await failureOf({}, ({ viewcomfy }) => viewcomfy.next({ ending: 'error' }));
    const bo = stage.person('bo');
    const reply = await bo.character('again');
    await expect(bo.waitFor(reply.id, / s on ViewComfy/)).resolves.toMatchObject({ pictures: { length: 4 } });
  });
});
