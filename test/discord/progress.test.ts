import { describe, expect, it } from 'vitest';
import { notice } from '../../src/discord/card.ts';
import { DiscordError } from '../../src/discord/discord-error.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import { createProgressEdits } from '../../src/discord/progress.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';

function setUp(ahead?: () => number) {
  const clock = createManualClock();
  const sent: { said: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  let said = 'one';
  const edits = createProgressEdits({
    clock,
    render: () => notice(said),
    edit(message: OutgoingMessage) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      sent.push({ said: JSON.stringify(message).match(/"content":"(\w+)"/)?.[1] ?? '', resolve, reject });
      return promise;
    },
    onError: () => undefined,
    ...(ahead && { ahead }),
  });
  return {
    clock,
    edits,
    sent,
    say(words: string) {
      said = words;
      edits.touch();
    },
  };
}

/** Lets what follows a settled promise happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the edits of a card', () => {
  it('send the first state at once, then one at a time and the newest only', async () => {
    const { clock, say, sent } = setUp();
    say('one');
    say('two');
    say('three');
    expect(sent.map(({ said }) => said)).toEqual(['one']);
    sent[0]?.resolve();
    await settled();
    expect(sent).toHaveLength(1);
    clock.advance(2500);
    expect(sent.map(({ said }) => said)).toEqual(['one', 'three']);
  });

  it('never have two edits in flight, however slow Discord is', async () => {
    const { clock, say, sent } = setUp();
    say('one');
    clock.advance(60_000);
    say('two');
    clock.advance(60_000);
    expect(sent).toHaveLength(1);
    sent[0]?.resolve();
    await eventually(() => {
      clock.advance(10_000);
      expect(sent).toHaveLength(2);
    });
  });

  it('send nothing that says the same as before', async () => {
    const { clock, say, sent } = setUp();
    say('one');
    sent[0]?.resolve();
    await settled();
    say('one');
    clock.advance(60_000);
    expect(sent).toHaveLength(1);
  });

  it('become rarer with the age of the job', async () => {
    const { clock, say, sent } = setUp();
    for (let second = 0; second < 600; second += 1) {
      say(`s${second}`);
      sent.at(-1)?.resolve();
      await settled();
      clock.advance(1000);
    }
    // 24 in the first minute, 48 in the next four, 30 in the last five.
    expect(sent.length).toBeGreaterThan(90);
    expect(sent.length).toBeLessThanOrEqual(103);
  });

  it('are rare far down the line, and prompt again when the turn has come', async () => {
    let ahead = 300;
    const { clock, say, sent } = setUp(() => ahead);
    say('one');
    sent[0]?.resolve();
    await settled();
    say('two');
    clock.advance(4 * 60_000);
    expect(sent).toHaveLength(1);
    ahead = 0;
    say('three');
    expect(sent.map(({ said }) => said)).toEqual(['one', 'three']);
  });

  it('are sent at once when the message can be reached again', async () => {
    const { edits, say, sent } = setUp();
    say('one');
    sent[0]?.reject(new DiscordError('gone', 'edit', 50_027));
    await settled();
    edits.reopen();
    expect(sent.map(({ said }) => said)).toEqual(['one', 'one']);
  });

  it('go on after Discord was away, and end when it refuses', async () => {
    const { clock, say, sent } = setUp();
    say('one');
    sent[0]?.reject(new DiscordError('unavailable', 'edit'));
    await settled();
    clock.advance(2500);
    expect(sent).toHaveLength(2);
    sent[1]?.reject(new DiscordError('gone', 'edit', 50_027));
    await settled();
    say('two');
    clock.advance(60_000);
    expect(sent).toHaveLength(2);
  });

  it('are over when they are stopped, which waits for the one in flight', async () => {
    const { clock, edits, say, sent } = setUp();
    say('one');
    let over = false;
    const stopped = edits.stop().then(() => {
      over = true;
    });
    await settled();
    expect(over).toBe(false);
    sent[0]?.resolve();
    await stopped;
    say('two');
    clock.advance(60_000);
    expect(sent).toHaveLength(1);
  });
});
