import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const MIB = 1024 * 1024;

describe('wherever /character is called', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({ viewcomfy: { drawing: 'flat', runMs: 50 }, limits: { runningAtOnce: 4 } });
  });
  afterAll(() => stage.close());

  it.each([
    ['a channel where the bot may not attach files', 'no-files', 'ana'],
    ['a channel where the bot may only answer', 'read-only', 'bo'],
    ['a server where the bot is not a member', 'elsewhere', 'ana'],
    ['a direct message with the bot', 'dm', 'mod'],
    ['a group of friends', 'group-dm', 'bo'],
  ])('the pictures come to %s', async (_what, place, name) => {
    const person = stage.person(name);
    const channel = await person.channelOf(place);
    const interaction = await person.call('character', { prompt: 'a pilot', character: await PORTRAIT }, channel);
    const reply = await person.answer(interaction, channel);
    const result = await person.waitFor(reply.id, / s on ViewComfy/, channel);
    expect(result.pictures).toHaveLength(4);
  });

  it('a token that has died is no reason to lose them', async () => {
    const person = stage.person('late');
    stage.viewcomfy.next({ runMs: 1500 });
    const reply = await person.character('a long one');
    await person.waitFor(reply.id, /Running/);
    stage.discord.clock.advance(16 * 60_000);
    const result = await person.waitFor(reply.id, / s on ViewComfy/);
    expect(result.pictures).toHaveLength(4);
  });

  it('neither is a message that was deleted: they come as a new one that names the person', async () => {
    const person = stage.person('gone');
    stage.viewcomfy.next({ runMs: 4000 });
    const reply = await person.character('to be deleted');
    await person.waitFor(reply.id, /Running/);
    stage.deleteMessage(reply);
    await expect
      .poll(
        async () =>
          (await person.messages()).find(({ text }) => text.includes('your pictures are here'))?.pictures ?? [],
        { timeout: 10_000 },
      )
      .toHaveLength(4);
  });
});

describe('files that are larger than the place allows', () => {
  it('are made to fit, which is told, and are split when one message cannot hold them', async () => {
    const stage = await openStage({ discord: { fileLimit: 0.4 * MIB }, viewcomfy: { pictureScale: 1 } });
    try {
      const ana = stage.person('ana');
      const reply = await ana.character('a pilot');
      const result = await ana.waitFor(reply.id, / s on ViewComfy/);
      expect(result.pictures).toHaveLength(4);
      expect(result.text).toMatch(/shown as WebP, quality \d+.*; the original is \d\.\d MiB PNG/);
      const bodies = await Promise.all(result.pictures.map(async (url) => (await fetch(url)).arrayBuffer()));
      for (const body of bodies) expect(body.byteLength).toBeLessThanOrEqual(0.4 * MIB);
      const formats = await Promise.all(bodies.map(async (body) => (await sharp(body).metadata()).format));
      expect(formats).toContain('webp');
    } finally {
      await stage.close();
    }
  });
});
