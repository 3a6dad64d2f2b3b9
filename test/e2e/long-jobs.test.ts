import { afterEach, describe, expect, it } from 'vitest';
import type { Person, SeenMessage } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const DONE = / s on ViewComfy/;
const MINUTE = 60_000;
/** When the button is there, and the token not yet dead. */
const NEARLY_DEAD = 14 * MINUTE;

let stage: Stage;

afterEach(async () => {
  // What Discord has refused once is not asked again.
  const repeated = stage.discord.requests().filter(({ repeats }) => repeats > 0);
  await stage.close();
  if (repeated.length > 0) throw new Error(`Asked again: ${JSON.stringify(repeated)}`);
});

/** A job that is running, for so long as it takes to move the time. */
async function begin(name: string, place: string, options: Record<string, string> = {}, runMs = 2000) {
  stage = await openStage({ viewcomfy: { drawing: 'flat' }, patience: { pausesMs: [50] } });
  const person = stage.person(name);
  const channel = await person.channelOf(place);
  stage.viewcomfy.next({ runMs });
  const picture = await PORTRAIT;
  const call = await person.call('character', { prompt: 'a long one', character: picture, ...options }, channel);
  const reply = await person.answer(call, channel);
  await person.waitFor(reply.id, /\*\*(Running|Starting)/, channel);
  return { person, channel, reply };
}

async function pressShow(person: Person, card: SeenMessage, channel: string): Promise<void> {
  await person.interaction(await person.press(card, /Show result/));
  // The card is that of a fresh token: it needs no press.
  await expect
    .poll(async () => (await person.look(card.id, channel))?.buttons.map(({ label }) => label))
    .toEqual(['Cancel']);
}

function withButton(person: Person, reply: SeenMessage, channel: string): Promise<SeenMessage> {
  return person.waitFor(reply.id, /Press \*\*Show result\*\*/, channel);
}

/** The message in the person's own channel with the bot that has the pictures. */
async function directly(person: Person): Promise<SeenMessage> {
  let found: SeenMessage | undefined;
  await expect
    .poll(
      async () => {
        found = (await person.messages('dm')).find(({ pictures }) => pictures.length === 4);
        return found !== undefined;
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  if (!found) throw new Error('not there');
  return found;
}

function deliveries(): number {
  return stage.discord.madeMessages().filter(({ files }) => files.length === 4).length;
}

const PLACES = [
  ['in a channel', 'ana', 'characters', {}],
  ['that only one person sees', 'ana', 'characters', { private: 'true' }],
  ['where the bot is installed by a person', 'ana', 'elsewhere', {}],
  ['in a group of friends', 'bo', 'group-dm', {}],
  ['in a direct message with the bot', 'mod', 'dm', {}],
] as const;

describe('a job of forty minutes', { timeout: 40_000 }, () => {
  it.each(PLACES)('%s ends on its card, when it is asked for in time', async (_where, name, place, options) => {
    const { person, channel, reply } = await begin(name, place, options, 4500);
    // Long enough for two presses.
    for (let press = 0; press < 2; press += 1) {
      stage.advance(NEARLY_DEAD);
      await pressShow(person, await withButton(person, reply, channel), channel);
    }
    stage.advance(12 * MINUTE);
    await expect(person.waitFor(reply.id, DONE, channel)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(deliveries()).toBe(1);
  });

  it.each([PLACES[0], PLACES[4]])('%s ends on its card without a press', async (_where, name, place, options) => {
    const { person, channel, reply } = await begin(name, place, options);
    stage.advance(40 * MINUTE);
    await expect(person.waitFor(reply.id, DONE, channel)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(deliveries()).toBe(1);
  });

  it.each([PLACES[1], PLACES[2], PLACES[3]])(
    '%s comes as a direct message without a press',
    async (_where, name, place, options) => {
      const { person, channel, reply } = await begin(name, place, options);
      stage.advance(40 * MINUTE);
      const message = await directly(person);
      expect(message.text).toMatch(/<@\d+>, your pictures are here/);
      expect((await person.look(reply.id, channel))?.pictures).toEqual([]);
      expect(deliveries()).toBe(1);
    },
  );

  it('waits for a press where nothing else is open, and comes at once', async () => {
    const { person, channel, reply } = await begin('ana', 'characters', { private: 'true' });
    stage.discord.setClosedDms('ana', true);
    stage.advance(NEARLY_DEAD);
    const card = await withButton(person, reply, channel);
    stage.advance(26 * MINUTE);
    await expect
      .poll(() => stage.discord.requests().some(({ code }) => code === 50_007), { timeout: 15_000 })
      .toBe(true);
    expect(deliveries()).toBe(0);
    await person.press(card, /Show result/);
    await expect(person.waitFor(reply.id, DONE, channel)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(deliveries()).toBe(1);
  });

  it.each([
    ['whose channel is deleted', () => stage.discord.deleteChannel('characters')],
    [
      'in a channel that the bot may not see any more',
      () => stage.discord.setBotPermissions('characters', { ViewChannel: false }),
    ],
    [
      'in a channel where the bot may attach no files any more',
      () => stage.discord.setBotPermissions('characters', { AttachFiles: false }),
    ],
  ])('%s comes as a direct message', async (_where, happen) => {
    const { person } = await begin('ana', 'characters');
    happen();
    stage.advance(40 * MINUTE);
    await expect(directly(person)).resolves.toMatchObject({ pictures: { length: 4 } });
    expect(deliveries()).toBe(1);
  });

  it('whose message is deleted comes as a new one in its channel', async () => {
    const { person, channel, reply } = await begin('ana', 'characters');
    stage.deleteMessage(reply);
    stage.advance(40 * MINUTE);
    await expect
      .poll(async () => (await person.messages(channel)).map(({ pictures }) => pictures.length), { timeout: 15_000 })
      .toEqual([4]);
    expect(deliveries()).toBe(1);
  });
});

describe('Discord that is away for an hour', { timeout: 40_000 }, () => {
  /** From the middle of a run until its pictures have come. */
  async function beAway(): Promise<void> {
    const asked = () => stage.discord.requests().find(({ status }) => status === 502)?.times ?? 0;
    stage.discord.setFault({ kind: '502', times: 1_000_000 });
    await expect.poll(() => stage.viewcomfy.runs[0]?.endedAt, { timeout: 15_000 }).toBeDefined();
    await expect.poll(asked, { timeout: 15_000 }).toBeGreaterThan(3);
    for (let minutes = 0; minutes < 60; minutes += 20) stage.advance(20 * MINUTE);
    stage.discord.setFault({ kind: '502', times: 0 });
    await expect
      .poll(
        async () => {
          stage.advance(MINUTE);
          return deliveries();
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(1);
  }

  it('gets the pictures onto the card afterwards, once', async () => {
    const { person, channel, reply } = await begin('ana', 'characters');
    await beAway();
    await expect(person.waitFor(reply.id, DONE, channel)).resolves.toMatchObject({ pictures: { length: 4 } });
    stage.advance(60 * MINUTE);
    expect(deliveries()).toBe(1);
  });

  it('gets those that only one person may see to that person, once', async () => {
    const { person } = await begin('ana', 'characters', { private: 'true' });
    await beAway();
    await expect(directly(person)).resolves.toMatchObject({ pictures: { length: 4 } });
    stage.advance(60 * MINUTE);
    expect(deliveries()).toBe(1);
  });
});
