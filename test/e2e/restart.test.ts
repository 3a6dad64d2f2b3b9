import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import type { Person, SeenMessage } from './person.ts';
import { openStage, type Stage } from './stage.ts';

const SEND = 'POST /channels/{channel}/messages';
const DONE = / s on ViewComfy/;
const MINUTE = 60_000;

let stage: Stage;

afterEach(() => stage.close());

function open(options: Parameters<typeof openStage>[0] = {}): Promise<Stage> {
  return openStage({ separate: true, ...options, viewcomfy: { drawing: 'flat', ...options.viewcomfy } });
}

async function killAndStart(): Promise<void> {
  await stage.kill();
  await stage.start();
}

function runsOf(prompt: string): number {
  return stage.viewcomfy.runs.filter(({ params }) => params['594-inputs-string'] === prompt).length;
}

/** How many messages of the bot have so many files, deleted ones too. */
function messagesWith(files: number): number {
  return stage.discord.madeMessages().filter((message) => message.files.length === files).length;
}

async function running(person: Person, prompt: string): Promise<SeenMessage> {
  return await person.waitFor((await person.character(prompt)).id, /\*\*(Running|Starting)/);
}

async function waiting(person: Person, prompt: string): Promise<SeenMessage> {
  return await person.waitFor((await person.character(prompt)).id, /Waiting/);
}

describe('after the bot was killed', { timeout: 60_000 }, () => {
  it('what waited is run in its order, and what ran is interrupted and run again once, when that is asked for', async () => {
    stage = await open();
    const [ana, bo, mod] = [stage.person('ana'), stage.person('bo'), stage.person('mod')];
    stage.viewcomfy.next({ runMs: 60_000 });
    const first = await running(ana, 'the first');
    const second = await waiting(bo, 'the second');
    const third = await waiting(mod, 'the third');
    await killAndStart();

    const interrupted = await ana.waitFor(first.id, /cannot be followed to its end.*may have been paid for/);
    await bo.waitFor(second.id, DONE);
    await expect(mod.waitFor(third.id, DONE)).resolves.toMatchObject({ pictures: { length: 4 } });
    const order = stage.viewcomfy.runs.map(({ params }) => params['594-inputs-string']);
    expect(order).toEqual(['the first', 'the second', 'the third']);

    const refused = await bo.answer(await bo.press(interrupted, /Run again/));
    expect(refused.text).toContain('Only the person whose job this is');
    const presses = await Promise.all([ana.press(interrupted, /Run again/), ana.press(interrupted, /Run again/)]);
    const answers = await Promise.all(presses.map((press) => ana.answer(press)));
    const again = answers.find(({ ephemeral }) => !ephemeral);
    expect(answers.filter(({ text }) => text.includes('run again already'))).toHaveLength(1);
    await expect(ana.waitFor(again?.id ?? '', DONE)).resolves.toMatchObject({ pictures: { length: 4 } });
    const late = await ana.answer(await ana.press(interrupted, /Run again/));
    expect(late.text).toContain('run again already');
    expect(runsOf('the first')).toBe(2);
  });

  it('what the backend goes on with is found again, and paid once', async () => {
    stage = await open({ mode: 'poll', viewcomfy: { runMs: 4000 } });
    const ana = stage.person('ana');
    const card = await running(ana, 'found again');
    await expect.poll(() => runsOf('found again'), { timeout: 10_000 }).toBe(1);
    await ana.waitFor(card.id, /\*\*(Running|Starting|In line)/);
    await killAndStart();
    await expect(ana.waitFor(card.id, DONE)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(runsOf('found again')).toBe(1);
  });

  it.each([
    ['at once', 0],
    ['when its nonce is forgotten', 10 * MINUTE],
  ])('a message that had arrived unknown to it is not sent again: %s', async (_when, later) => {
    stage = await open({ viewcomfy: { runMs: 1500 }, patience: { pausesMs: [60_000] } });
    const ana = stage.person('ana');
    const card = await running(ana, 'only once');
    stage.deleteMessage(card);
    stage.discord.setFault({ route: SEND, kind: 'lost-answer', times: 1 });
    await expect.poll(() => messagesWith(4), { timeout: 15_000 }).toBe(1);
    await stage.kill();
    stage.advance(later);
    await stage.start();
    await worksFor(stage.person('bo'));
    const own = (await ana.messages()).filter(({ text }) => text.includes('only once'));
    expect(own).toMatchObject([{ pictures: { length: 4 } }]);
    expect(messagesWith(4)).toBe(2);
  });

  it('a result that could not be sent is sent', async () => {
    stage = await open({ viewcomfy: { runMs: 800 }, patience: { pausesMs: [50] } });
    const ana = stage.person('ana');
    const card = await running(ana, 'kept');
    stage.discord.setFault({ kind: '502', times: 100_000 });
    await expect.poll(() => stage.viewcomfy.runs[0]?.endedAt, { timeout: 10_000 }).toBeDefined();
    await expect.poll(() => refusals(502), { timeout: 10_000 }).toBeGreaterThan(3);
    await stage.kill();
    stage.discord.setFault({ kind: '502', times: 0 });
    await stage.start();
    await expect(ana.waitFor(card.id, DONE)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(runsOf('kept')).toBe(1);
  });

  it('the buttons of messages from before work', async () => {
    stage = await open({ mode: 'poll' });
    const [ana, bo] = [stage.person('ana'), stage.person('bo')];
    const done = await ana.waitFor((await ana.character('done')).id, DONE);
    stage.viewcomfy.next({ runMs: 60_000 });
    await running(bo, 'in the way');
    const card = await waiting(ana, 'cancelled later');
    await expect.poll(() => runsOf('in the way'), { timeout: 10_000 }).toBe(1);
    await killAndStart();
    await ana.press(card, /Cancel/);
    await ana.waitFor(card.id, /Cancelled before its turn came/);
    const files = await ana.answer(await ana.press(done, /11 other files/));
    await ana.withPictures(files.id, 10);
  });

  it('a command that it was reading is told not to have been started', async () => {
    stage = await open();
    const ana = stage.person('ana');
    const large = sharp({ create: { width: 6900, height: 6900, channels: 3, background: '#306090' } });
    const character = { name: 'large.png', bytes: Uint8Array.from(await large.png().toBuffer()) };
    const interaction = await ana.call('character', { prompt: 'too early', character });
    const reply = await ana.answer(interaction);
    await killAndStart();
    await ana.waitFor(reply.id, /restarted while it read this. Nothing was started/);
    await worksFor(ana);
    expect(runsOf('too early')).toBe(0);
  });
});

function refusals(status: number): number {
  return stage.discord.requests().reduce((sum, one) => sum + (one.status === status ? one.times : 0), 0);
}

async function worksFor(person: Person): Promise<void> {
  const reply = await person.character(`for ${person.name}`);
  await person.waitFor(reply.id, DONE);
}
