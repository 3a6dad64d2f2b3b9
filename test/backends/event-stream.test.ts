import { describe, expect, test } from 'vitest';
import { readEvents } from '../../src/backends/event-stream.ts';
import { BackendError } from '../../src/errors.ts';

/** Takes everything up to a line end, as the body of the large event must. */
function openText() {
  let text = '';
  return {
    text: () => text,
    write(bytes: Buffer, start: number): number {
      const end = bytes.subarray(start).findIndex((byte) => byte === 0x0a || byte === 0x0d);
      const next = end < 0 ? bytes.length : start + end + 1;
      text += bytes.toString('latin1', start, next);
      return next;
    },
  };
}

async function read(chunks: readonly Buffer[], maxEventBytes = 1_000_000): Promise<[string | undefined, string][]> {
  const large = { name: 'prompt_result', open: openText, room: () => undefined };
  const events = await Array.fromAsync(readEvents(ReadableStream.from(chunks), { maxEventBytes, large }));
  return events.map(({ event, data, body }) => [event, body ? body.text().trim() : data]);
}

/** Cuts a text at places that only the seed knows. */
function cut(text: string, seed: number): Buffer[] {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  let state = seed;
  for (let at = 0; at < bytes.length;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const length = 1 + ((state >>> 16) % 9);
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

describe('an event stream', () => {
  const text = [
    '\u{feff}: a ping\n\n',
    'event: log_message\ndata: Grüße 🎭\ndata: in two lines\n\n',
    'data: the data first\nevent: log_message\nid: 7\nretry: 10\n\n',
    'event: nothing\n\n',
    'data: without a name\n\n',
    'event: prompt_result\ndata: {"a":"b"}\n\n',
  ].join('');
  const events = [
    ['log_message', 'Grüße 🎭\nin two lines'],
    ['log_message', 'the data first'],
    [undefined, 'without a name'],
    ['prompt_result', '{"a":"b"}'],
  ];

  test.for(['\n', '\r\n', '\r'])('with line ends %j reads the same wherever it is cut', async (lineEnd) => {
    for (let seed = 1; seed <= 60; seed += 1) {
      expect(await read(cut(text.replaceAll('\n', lineEnd), seed))).toEqual(events);
    }
  });

  test.for(['\n', '\r\n'])('keeps bare carriage returns in the data, with line ends %j', async (lineEnd) => {
    const bars = 'event: log_message\ndata: a\r 50%|# | 1/2 [00:01]\rdone\n\ndata: b\n\n'.replaceAll('\n', lineEnd);
    for (let seed = 1; seed <= 60; seed += 1) {
      expect(await read(cut(bars, seed))).toEqual([
        ['log_message', 'a\r 50%|# | 1/2 [00:01]\rdone'],
        [undefined, 'b'],
      ]);
    }
  });

  test('may end without its last blank line, or in the middle of a line', async () => {
    expect(await read([Buffer.from('event: a\ndata: b\n')])).toEqual([['a', 'b']]);
    expect(await read([Buffer.from('event: a\ndata: b')])).toEqual([['a', 'b']]);
    expect(await read([Buffer.from('event: a\r\ndata: b\r')])).toEqual([['a', 'b']]);
    expect(await read([])).toEqual([]);
  });

  test('is read in time that grows with its size alone', async () => {
    const line = Buffer.from(`event: prompt_result\ndata: ${'A'.repeat(20_000_000)}\n\n`);
    const chunks = Array.from({ length: Math.ceil(line.length / 16_384) }, (_, index) =>
      line.subarray(index * 16_384, (index + 1) * 16_384),
    );
    const began = performance.now();
    const [[, data] = [undefined, '']] = await read(chunks, 30_000_000);
    expect(data.length).toBe(20_000_000);
    // Quadratic reading takes half a minute for this.
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('with an event that is too large ends in an error', async () => {
    const endless = Array.from({ length: 100 }, () => Buffer.from('data: aaaaaaaaaa\n'));
    await expect(read(endless, 500)).rejects.toThrow(BackendError);
    await expect(read([Buffer.from('data: '), Buffer.alloc(600, 'a'), Buffer.from('a')], 500)).rejects.toMatchObject({
      type: 'too-large',
    });
  });
});
