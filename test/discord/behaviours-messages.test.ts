import { truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { mkdtemp, rm } from 'node:fs/promises';
import { ComponentType, MessageFlags } from 'discord-api-types/v10';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { notice } from '../../src/discord/card.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import type { FaultKind } from '../../src/playground/api.ts';
import { callOf, filesOf, madeUpCall, makeFile, openLocal, openRaw, readRecording } from './_stage.ts';

const EDIT = 'PATCH /webhooks/{application}/{token}/messages/{message}';
const MIB = 1024 * 1024;

const Recorded = z.object({ route: z.string(), body: z.unknown().optional() });
const Form = z.object({ attachments: z.array(z.object({ id: z.string(), filename: z.string() })) });

async function recording(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-behaviours-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'recording.jsonl');
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) frozen(part);
  return value;
}

describe('a message with files', () => {
  it('8: is not changed by being sent, so that it can be sent again as it is', async () => {
    const record = await recording();
    const { discord, port, call } = await openLocal({ record });
    const interaction = await call('ana');
    const message = frozen(filesOf(await makeFile('one', 'one.png'), await makeFile('two', 'two.png')));
    await port.defer(callOf(interaction), 'public');
    discord.setFault({ route: EDIT, kind: 'lost-answer', times: 1 });
    await port.editReply(callOf(interaction), message);
    await port.editReply(callOf(interaction), message);
    const edits = z
      .array(Recorded)
      .parse(await readRecording(record))
      .filter(({ route }) => EDIT.endsWith(route));
    expect(edits).toHaveLength(3);
    const attachments = [
      { id: '0', filename: 'one.png' },
      { id: '1', filename: 'two.png' },
    ];
    for (const { body } of edits) expect(Form.parse(body).attachments).toEqual(attachments);
  });

  it('9: is read from disk as the socket takes it, and never whole in memory', async () => {
    const size = 96 * MIB;
    const file = await makeFile(size);
    const before = process.memoryUsage().arrayBuffers;
    let grown = Infinity;
    let arrived = 0;
    const { port } = await openRaw({
      take: ({ request }) => {
        request.once('data', () => {
          request.pause();
          grown = process.memoryUsage().arrayBuffers - before;
          // What was read before would arrive all the same.
          truncateSync(file.path, size / 2);
          request.resume();
        });
        request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      },
    });
    await expect(port.editReply(madeUpCall(), filesOf(file), 'once')).rejects.toThrow('The blob could not be read');
    expect(grown).toBeLessThan(size / 4);
    expect(arrived).toBeLessThan(size);
  });
});

describe('a message of our own', () => {
  it('11: is edited though its channel is in no cache', async () => {
    const { port, call, person } = await openLocal();
    const { channel } = await call('ana');
    const id = await port.sendMessage(channel?.id ?? '', notice('before'), 'nonce');
    await expect(port.editMessage(channel?.id ?? '', id, notice('after'))).resolves.toBe(id);
    expect((await person('ana').look(id))?.text).toContain('after');
  });

  it('18: to a user goes to that user, whoever called from which direct message', async () => {
    const { port, call, person } = await openLocal();
    const [ana, bo] = [person('ana'), person('bo')];
    const interaction = await call('ana', await ana.channelOf('group-dm'));
    const user = interaction.user?.id ?? '';
    await call('bo', await bo.channelOf('dm'));
    const channel = await port.directChannel(user);
    expect(channel).toBe(await ana.channelOf('dm'));
    await port.sendMessage(channel, notice('for ana alone'), 'nonce');
    expect((await ana.messages('dm')).map(({ text }) => text)).toEqual([expect.stringContaining('for ana alone')]);
    expect(await bo.messages(await bo.channelOf('dm'))).toEqual([]);
  });

  it('19: is private by its flags, from the first answer on', async () => {
    const record = await recording();
    const { port, call, person } = await openLocal({ record });
    const deferred = callOf(await call('ana'));
    await port.defer(deferred, 'private');
    const id = await port.editReply(deferred, notice('one'));
    await port.answer(callOf(await call('ana')), notice('three'), 'private');
    await port.defer(callOf(await call('ana')), 'public');

    expect((await person('ana').look(id))?.ephemeral).toBe(true);
    expect(await person('bo').messages()).toHaveLength(1);
    const sent = z
      .array(Recorded)
      .parse(await readRecording(record))
      .filter(({ route }) => /callback|webhooks/.test(route));
    const v2 = MessageFlags.IsComponentsV2;
    expect(sent.map(({ body }) => body)).toMatchObject([
      { type: 5, data: { flags: MessageFlags.Ephemeral } },
      { flags: v2 },
      { type: 4, data: { flags: v2 | MessageFlags.Ephemeral } },
      { type: 5, data: { flags: 0 } },
    ]);
    expect(JSON.stringify(sent)).not.toContain('"ephemeral"');
  });
});

describe('a failure', () => {
  const faults: readonly FaultKind[] = ['reset', 'cut', 'stall', '502', '401', 'lost-answer'];

  it('15: carries no token and nothing of what was sent, neither in its error nor in the log', async () => {
    const { discord, port, call, log, lines, close } = await openLocal({
      fileLimit: 1000,
      requestLimit: 10_000,
      patience: { firstAnswerMs: 60, wordsMs: 60, filesMs: 60, pausesMs: [1] },
    });
    const interaction = await call('ana');
    const room = interaction.channel?.id ?? '';
    const ours = callOf(interaction);
    await port.defer(ours, 'public');
    const picture = filesOf(await makeFile('bytes-of-the-picture'));
    const message: OutgoingMessage = { ...notice('words-of-the-prompt'), ...picture };
    const foreign = { ...ours, token: 'token-of-somebody-else' };
    const failures: unknown[] = [];
    async function keep(sent: Promise<unknown>): Promise<void> {
      const failure = await sent.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      failures.push(failure);
      log.error({ error: failure }, 'Failed');
    }
    for (const [index, kind] of faults.entries()) {
      const theirs = madeUpCall(index);
      discord.setFault({ kind, times: 1000 });
      await keep(port.editReply(theirs, message));
      await keep(port.editMessage(room, '100000000000000001', message));
      await keep(port.sendMessage(room, message, 'nonce'));
      await keep(port.directChannel('100000000000000001'));
      discord.setFault({ kind, times: 0 });
    }
    discord.setFault({ kind: '502', times: 4 });
    await keep(port.defer(ours, 'private'));
    await keep(port.editReply(foreign, message));
    await keep(port.editReply(ours, filesOf(await makeFile('bytes-of-the-picture'.repeat(100)))));
    await keep(port.editReply(ours, filesOf(await makeFile('bytes-of-the-picture'.repeat(1000)))));
    await keep(port.editReply(ours, { components: [{ type: ComponentType.TextDisplay, content: '' }] }));
    await close();
    await keep(port.editReply(ours, message));

    expect(failures.length).toBeGreaterThan(4 * faults.length);
    const told = [...lines, ...failures.map((failure) => inspect(failure, { depth: 20, showHidden: true }))].join('\n');
    expect(told).toContain('Failed');
    const secrets = [discord.token, ours.token, 'token-of-', 'bytes-of-the-picture', 'words-of-the-prompt'];
    for (const secret of secrets) expect(told).not.toContain(secret);
  });
});
