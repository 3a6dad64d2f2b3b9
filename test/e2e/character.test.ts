import { afterEach, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { drawPortrait } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;

afterEach(() => stage.close());

async function fetchPicture(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

describe('/character', () => {
  it('answers with four scenes, the settings and a button to the other files', async () => {
    stage = await openStage();
    const ana = stage.person('ana');
    const reply = await ana.character('a pilot in a red scarf', { seed: '1234', scene1: 'on the moon' });
    const result = await ana.waitFor(reply.id, / s on ViewComfy/);
    expect(result.pictures).toHaveLength(4);
    expect(result.text).toContain('a pilot in a red scarf');
    expect(result.text).toContain('seed `1234`');
    expect(result.text).toContain('scene1 `on the moon`');
    const sizes = await Promise.all(result.pictures.map(async (url) => sharp(await fetchPicture(url)).metadata()));
    expect(sizes.map(({ format, width, height }) => ({ format, ratio: width / height }))).toEqual(
      Array.from({ length: 4 }, () => ({ format: 'png', ratio: 1280 / 720 })),
    );

    const others = await ana.answer(await ana.press(result, /11 other files/));
    expect(others.ephemeral).toBe(true);
    const page = await ana.withPictures(others.id, 10);
    const last = await ana.answer(await ana.press(page, /Next file/));
    await expect(ana.withPictures(last.id, 1)).resolves.toMatchObject({ ephemeral: true, buttons: [] });
  });

  it('sends ViewComfy exactly the parameters of the recipe, and the same ones for the same seed', async () => {
    stage = await openStage();
    const ana = stage.person('ana');
    for (const seed of ['7', '7', '8']) {
      const reply = await ana.character('a pilot', { seed });
      await ana.waitFor(reply.id, / s on ViewComfy/);
    }
    const [first, again, other] = stage.viewcomfy.runs;
    expect(Object.keys(first?.params ?? {}).toSorted()).toEqual([
      '426-inputs-string',
      '436-inputs-string',
      '443-inputs-string',
      '458-inputs-string',
      '499-inputs-noise_seed',
      '594-inputs-string',
      '608-inputs-string',
      '82-inputs-upscale_by',
    ]);
    expect(first?.files.map(({ key }) => key).toSorted()).toEqual(['625-inputs-image', '626-inputs-image']);
    expect(again?.params).toEqual(first?.params);
    expect(other?.params).not.toEqual(first?.params);
  });

  it('makes other pictures of another character', async () => {
    stage = await openStage({ limits: { runningAtOnce: 2 }, viewcomfy: { atOnce: 2 } });
    const [ana, bo] = [stage.person('ana'), stage.person('bo')];
    const replies = await Promise.all([
      ana.character('a pilot', { seed: '1' }),
      bo.character('a pilot', { seed: '1', character: await drawPortrait('#5a3a28', '#a02020', '#203040') }),
    ]);
    const [one, two] = await Promise.all([
      ana.waitFor(replies[0].id, / s on ViewComfy/),
      bo.waitFor(replies[1].id, / s on ViewComfy/),
    ]);
    const pictures = await Promise.all([one, two].map(({ pictures: [url = ''] }) => fetchPicture(url)));
    const [a, b] = await Promise.all(pictures.map((picture) => sharp(picture).stats()));
    const difference = a?.channels.map(({ mean }, index) => Math.abs(mean - (b?.channels[index]?.mean ?? 0))) ?? [];
    expect(Math.max(...difference)).toBeGreaterThan(5);
  });

  it('with `private` is seen by nobody else', async () => {
    stage = await openStage();
    const ana = stage.person('ana');
    const reply = await ana.character('a secret', { private: 'true' });
    expect(reply.ephemeral).toBe(true);
    const result = await ana.waitFor(reply.id, / s on ViewComfy/);
    expect(result.pictures).toHaveLength(4);
    await expect(stage.person('bo').messages()).resolves.toEqual([]);
  });

  it('shows how the run goes: the place, the steps, the log', async () => {
    stage = await openStage({ viewcomfy: { runMs: 6000 } });
    const [ana, bo] = [stage.person('ana'), stage.person('bo')];
    const first = await ana.character('first');
    await ana.waitFor(first.id, /Running.* on ViewComfy/);
    const second = await bo.character('second');
    await bo.waitFor(second.id, /you are next/);
    await ana.waitFor(first.id, /█.* % · step \d+ of \d+/);
    await ana.waitFor(first.id, /-# `[^`]+`/);
    await expect(ana.waitFor(first.id, / s on ViewComfy/)).resolves.toMatchObject({ pictures: { length: 4 } });
  });
});

describe('the limits', () => {
  it('tell at once who has too many jobs, and what is running', async () => {
    stage = await openStage({ limits: { waitingPerUser: 1 }, viewcomfy: { runMs: 3000 } });
    const ana = stage.person('ana');
    await ana.waitFor((await ana.character('first')).id, /Running/);
    const second = await ana.character('second');
    await ana.waitFor(second.id, /Waiting/);
    const refused = await ana.character('third');
    expect(refused.ephemeral).toBe(true);
    expect(refused.text).toMatch(/as many jobs as one person may have/);
    expect(refused.text).toMatch(/first: .*Running/);
    expect(refused.text).toMatch(/second: .*Waiting/);
    await ana.waitFor(second.id, / s on ViewComfy/);
    expect(stage.viewcomfy.runs).toHaveLength(2);
  });

  it('give every user a turn before one who has queued many has a second one', { timeout: 60_000 }, async () => {
    stage = await openStage({ limits: { waitingPerUser: 9 }, viewcomfy: { drawing: 'flat' } });
    const greedy = stage.person('greedy');
    const replies = [];
    for (let job = 0; job < 10; job += 1) replies.push([greedy, await greedy.character(`greedy ${job}`)] as const);
    const others = Array.from({ length: 9 }, (_, index) => stage.person(`user${index}`));
    for (const other of others) replies.push([other, await other.character(`once ${other.name}`)] as const);
    await Promise.all(replies.map(([person, reply]) => person.waitFor(reply.id, / s on ViewComfy/)));
    const order = stage.viewcomfy.runs.map(({ params }) => String(params['594-inputs-string']));
    // The first runs were begun before the others had come.
    const last = Math.max(...others.map(({ name }) => order.indexOf(`once ${name}`)));
    const greedyBefore = order.slice(0, last).filter((prompt) => prompt.startsWith('greedy'));
    expect(greedyBefore.length).toBeLessThanOrEqual(4);
    expect(stage.viewcomfy.mostAtOnce).toBe(1);
  });
});

describe('cancel', () => {
  it('ends a waiting job before it costs anything', async () => {
    stage = await openStage({ viewcomfy: { runMs: 5000 } });
    const [ana, bo] = [stage.person('ana'), stage.person('bo')];
    const first = await ana.character('first');
    const second = await bo.character('second');
    await bo.press(await bo.waitFor(second.id, /Waiting/), /Cancel/);
    await bo.waitFor(second.id, /Cancelled before its turn came/);
    await ana.waitFor(first.id, / s on ViewComfy/);
    expect(stage.viewcomfy.runs).toHaveLength(1);
  });

  it('stops a running job at the backend', async () => {
    stage = await openStage({ mode: 'poll', viewcomfy: { runMs: 60_000 } });
    const ana = stage.person('ana');
    const reply = await ana.character('first');
    await expect.poll(() => stage.viewcomfy.runs.length, { timeout: 10_000 }).toBe(1);
    await ana.press(await ana.waitFor(reply.id, /Running/), /Cancel/);
    await ana.waitFor(reply.id, /Cancelled while it ran/);
    await expect.poll(() => stage.viewcomfy.runs[0]?.outcome, { timeout: 10_000 }).toBe('cancelled');
  });

  it('says so where the backend cannot stop what it has begun', async () => {
    stage = await openStage({ viewcomfy: { runMs: 60_000 } });
    const ana = stage.person('ana');
    const reply = await ana.character('first');
    await ana.press(await ana.waitFor(reply.id, /Running/), /Cancel/);
    await expect(ana.waitFor(reply.id, /Cancelled here. ViewComfy cannot stop a run/)).resolves.toBeDefined();
  });

  it('obeys the owner and moderators, and nobody else', async () => {
    stage = await openStage({ viewcomfy: { runMs: 60_000 } });
    const [ana, bo, mod] = [stage.person('ana'), stage.person('bo'), stage.person('mod')];
    const reply = await ana.waitFor((await ana.character('first')).id, /Running/);
    const refused = await bo.answer(await bo.press(reply, /Cancel/));
    expect(refused.text).toMatch(/Only the person whose job this is, or a moderator/);
    await mod.press(reply, /Cancel/);
    await ana.waitFor(reply.id, /Cancelled/);
  });
});
