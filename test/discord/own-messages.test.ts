import { describe, expect, it } from 'vitest';
import { notice } from '../../src/discord/card.ts';
import { createFileLimits } from '../../src/discord/file-limits.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import { createManualClock } from '../manual-clock.ts';
import { callOf, filesOf, makeFile, openLocal } from './_stage.ts';

const MARK = 2_000_000_001;
const MIB = 1024 * 1024;

function marked(words: string, id = MARK): OutgoingMessage {
  const message = notice(words);
  return { ...message, components: message.components.map((component) => ({ ...component, id })) };
}

describe('a message of our own', () => {
  it('is found by its mark among those made since then, and only then', async () => {
    const { port, call, discord } = await openLocal();
    const { channel } = await call('ana');
    const room = channel?.id ?? '';
    const id = await port.sendMessage(room, marked('this one'), 'one');
    await port.sendMessage(room, marked('another', MARK - 1), 'two');
    await expect(port.findMessage(room, MARK, discord.clock.now() - 60_000)).resolves.toBe(id);
    await expect(port.findMessage(room, MARK - 2, discord.clock.now() - 60_000)).resolves.toBeUndefined();
    discord.clock.advance(10 * 60_000);
    await expect(port.findMessage(room, MARK, discord.clock.now() - 60_000)).resolves.toBeUndefined();
  });

  it('is found behind more messages than Discord shows at once', async () => {
    const { port, call, discord } = await openLocal();
    const { channel } = await call('ana');
    const room = channel?.id ?? '';
    const begun = discord.clock.now() - 60_000;
    for (let count = 0; count < 103; count += 1) {
      await port.answer(callOf(await call('ana')), notice(`answer ${count}`), 'public');
    }
    const id = await port.sendMessage(room, marked('the last one'), 'one');
    await expect(port.findMessage(room, MARK, begun)).resolves.toBe(id);
  }, 60_000);

  it('is not looked for where the bot may not look', async () => {
    const { port, call, discord } = await openLocal();
    const { channel } = await call('ana');
    discord.setBotPermissions('characters', { ViewChannel: false });
    await expect(port.findMessage(channel?.id ?? '', MARK, discord.clock.now())).rejects.toMatchObject({
      kind: 'gone',
      code: 50_001,
    });
  });
});

describe('the limit of files', () => {
  it('is that of how far the server is boosted, asked for now and then, and the standard where nobody says it', async () => {
    const { port, discord, log } = await openLocal();
    const clock = createManualClock();
    const limits = createFileLimits(port, clock, log);
    await expect(limits.ofGuild(discord.guildId)).resolves.toBe(20 * MIB);
    discord.setPremiumTier(discord.guildId, 3);
    await expect(limits.ofGuild(discord.guildId)).resolves.toBe(20 * MIB);
    clock.advance(11 * 60_000);
    await expect(limits.ofGuild(discord.guildId)).resolves.toBe(100 * MIB);
    await expect(limits.ofGuild('100000000000000001')).resolves.toBe(20 * MIB);
    await expect(limits.ofGuild(undefined)).resolves.toBe(20 * MIB);
  });

  it('is known by the refusal where it was exceeded: for a file, for a request, and for too many files', async () => {
    const { port, call } = await openLocal({ fileLimit: 1000, requestLimit: 20_000 });
    const ours = callOf(await call('ana'));
    await port.defer(ours, 'public');
    const large = await makeFile(1500);
    const huge = await makeFile(30_000);
    const small = await makeFile(10);
    const many = Array.from({ length: 11 }, (_, index) => ({ ...small, name: `p${index}.png` }));
    for (const message of [filesOf(large), filesOf(huge), filesOf(...many)]) {
      await expect(port.editReply(ours, message)).rejects.toMatchObject({ kind: 'wrong', isAboutFiles: true });
    }
    const empty = { components: [] };
    await expect(port.editReply(ours, empty)).rejects.toMatchObject({ kind: 'wrong', isAboutFiles: false });
  });
});
