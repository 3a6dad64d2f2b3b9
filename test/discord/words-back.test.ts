import { describe, expect, it } from 'vitest';
import { block } from '../../src/discord/markdown.ts';
import type { OutgoingMessage, Visibility } from '../../src/discord/port.ts';
import type { Typed } from '../../src/discord/reply-note.ts';
import { giveBack } from '../../src/discord/words-back.ts';

const call = { id: '1', application: '2', token: 'token' };

/** What a person is told in the end, message by message. */
async function told(sentence: string, typed: Typed | undefined, visibility: Visibility = 'private') {
  const messages: { message: OutgoingMessage; visibility: Visibility }[] = [];
  const port = {
    answer: async (_call: unknown, message: OutgoingMessage, visibility: Visibility) => {
      messages.push({ message, visibility });
    },
    followUp: async (_call: unknown, message: OutgoingMessage, visibility: Visibility) => {
      messages.push({ message, visibility });
      return '3';
    },
  };
  await giveBack(port, { call, sentence, typed, visibility });
  return messages.map(({ message, visibility }) => {
    const words = textOf(message.components);
    // Discord's limit of all texts of a message.
    expect(words.length).toBeLessThanOrEqual(4000);
    return { text: words, visibility, files: message.files ?? [] };
  });
}

function textOf(components: unknown): string {
  const words: string[] = [];
  JSON.stringify(components, (key, value: unknown) => {
    if (key === 'content' && typeof value === 'string') words.push(value);
    return value;
  });
  return words.join('');
}

describe('words that nothing became of', () => {
  it('are beside the reason where it is seen by nobody else, and can be copied', async () => {
    const words = 'one\n\n  two `three` 👩‍🚀';
    const [only, ...others] = await told('No.', [['prompt', words]]);
    expect(only?.text).toContain(`\`\`\`\n${words}\n\`\`\``);
    expect(others).toEqual([]);
  });

  it('cannot leave their block, or turn it round', async () => {
    const [only] = await told('No.', [['prompt', 'a ```` b ```\u202e c\u0000\n```']]);
    expect(only?.text.match(/`{3}/g)).toHaveLength(2);
    expect(only?.text).not.toContain('\u202e');
    expect(only?.text).not.toContain('\0');
  });

  it('end with a whole character where they are cut', () => {
    expect(block('🎭🎭🎭', 4)).toBe('```\n🎭…\n```');
    expect(block('🎭🎭', 4)).toBe('```\n🎭🎭\n```');
  });

  it('are apart where everybody sees the reason', async () => {
    const messages = await told('No.', [['prompt', 'secret']], 'public');
    expect(messages).toMatchObject([
      { text: 'No.', visibility: 'public' },
      { text: expect.stringContaining('secret'), visibility: 'private' },
    ]);
  });

  it('are apart where the reason leaves no room for them', async () => {
    const [reason, back] = await told('No. '.repeat(700), [['prompt', 'x'.repeat(2000)]]);
    expect(reason?.text).not.toContain('x');
    expect(back).toMatchObject({ text: expect.stringContaining('x'.repeat(2000)), files: [] });
  });

  it('are whole in a file where no message holds them, and begin in it', async () => {
    const typed = Array.from({ length: 5 }, (_, index): [string, string] => [
      `${'_'.repeat(31)}${index}`,
      index === 2 ? 'short' : `${index}`.repeat(3999) + '🎭',
    ]);
    const [reason, back] = await told('No.', typed);
    expect(reason?.text).toBe('No.');
    expect(back?.text).toContain('\nshort\n');
    expect(back?.text).toMatch(/0{500}.*1{500}.*3{500}.*4{500}/s);
    expect(back?.text.isWellFormed()).toBe(true);
    const [file] = back?.files ?? [];
    const content = file && 'bytes' in file ? new TextDecoder().decode(file.bytes) : '';
    for (const [, words] of typed) expect(content).toContain(words);
  });

  it('that are none leave the reason alone', async () => {
    for (const typed of [undefined, [], [['prompt', ' \n']]] satisfies (Typed | undefined)[]) {
      await expect(told('No.', typed)).resolves.toEqual([{ text: 'No.', visibility: 'private', files: [] }]);
      await expect(told('No.', typed, 'public')).resolves.toHaveLength(1);
    }
  });
});
