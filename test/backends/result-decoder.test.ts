import { describe, expect, test } from 'vitest';
import { BackendError } from '../../src/errors.ts';
import { createDice, createReader, cut, type Form, type Outcome } from './_results.ts';

const FORMS = ['stream', 'plain'] as const;
const hello = { filename: 'hello.txt', size: 5, data: 'aGVsbG8=' };

function framed(json: string, form: Form): Buffer {
  return Buffer.from(form === 'plain' ? json : `event: prompt_result\ndata: ${json}\n\n`);
}

/** In pieces of 1, 2 and 7 bytes and as a whole: what comes of it must be the same. */
async function readAnyhow(json: string, form: Form): Promise<Outcome | BackendError> {
  const reader = await createReader();
  const ends: (Outcome | BackendError)[] = [];
  for (const size of [1, 2, 7, Infinity]) {
    ends.push(await reader.read(slices(framed(json, form), size), form).catch(errorOf));
  }
  const [first, ...others] = ends;
  if (!first) throw new Error('nothing was read');
  for (const other of others) expect(other).toEqual(first);
  return first;
}

function errorOf(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  throw error;
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function withData(data: string): string {
  return `{"outputs":[{"filename":"a","data":${data}}]}`;
}

describe.for(FORMS)('a result as %s', (form) => {
  test.for([
    ['as it is', '"aGVsbG8="'],
    ['without padding', '"aGVsbG8"'],
    ['with slashes escaped', String.raw`"\/\/\/\/"`],
    ['with everything escaped', String.raw`"\u002b\u002F\u002f+"`],
    ['with padding escaped', String.raw`"aGVsbA\u003d\u003D"`],
    ['in the alphabet for addresses', '"-_-_"'],
  ])('has base64 %s', async ([, data = '']) => {
    const expected = Buffer.from(String(JSON.parse(data)), 'base64');
    expect(await readAnyhow(withData(data), form)).toMatchObject({ files: [expected], names: ['a'] });
  });

  test.for([
    ['a foreign character', '"aGV*bG8="'],
    ['white space', '"aGVs bG8="'],
    ['an escaped line end', String.raw`"aGVs\nbG8="`],
    ['a group of one', '"aGVsb"'],
    ['too much padding', '"aGVsbG8=="'],
    ['padding in a full group', '"aGVs===="'],
    ['something after padding', '"aGVsbA==aGVs"'],
    ['padding that begins too early', '"a==="'],
    ['an escape that is none', String.raw`"aGVs\x2b"`],
    ['an escape of half its length', String.raw`"aGVs\u00"`],
    ['an escaped quote', String.raw`"aGVs\""`],
    ['a character outside of Latin', '"aGVs🎭"'],
    ['nothing at all', '""'],
  ])('does not pass with base64 that has %s', async ([, data = '']) => {
    expect(await readAnyhow(withData(data), form)).toMatchObject({ type: 'unintelligible' });
  });

  test('has keys in any order, and keys that are there twice', async () => {
    const json = `{"outputs":[{"size":5,"data":"AAAA","data":"aGVsbG8=","filename":"x","filename":"a"}],"status":"a","status":"b"}`;
    expect(await readAnyhow(json, form)).toMatchObject({
      files: [Buffer.from('hello')],
      names: ['a'],
      json: { status: 'b' },
    });
  });

  test('has keys that are spelt with escapes', async () => {
    const json = String.raw`{"\u006futputs":[{"filename":"a","d\u0061ta":"aGVsbG8="}]}`;
    expect(await readAnyhow(json, form)).toMatchObject({ files: [Buffer.from('hello')] });
  });

  test('keeps apart what is called like its files', async () => {
    const decoys = { outputs: [hello], data: 'AAAA', list: [[hello], 'outputs'] };
    const json = JSON.stringify({ prompt: decoys, data: 'AAAA', outputs: [{ ...hello, decoys }], after: [[hello]] });
    expect(await readAnyhow(json, form)).toMatchObject({
      files: [Buffer.from('hello')],
      json: { prompt: decoys, data: 'AAAA', outputs: [{ decoys }], after: [[hello]] },
    });
  });

  test('without outputs has no files', async () => {
    expect(await readAnyhow('{"outputs":null}', form)).toMatchObject({ json: { outputs: null }, files: [] });
    expect(await readAnyhow('{"outputs":{"data":"*"}}', form)).toMatchObject({ json: { outputs: { data: '*' } } });
    expect(await readAnyhow('[{"outputs":[{"data":"*"}]}]', form)).toMatchObject({ files: [] });
  });

  test('that has two lists of outputs is refused, for one of them would be lost', async () => {
    const json = `{"outputs":[${JSON.stringify(hello)}],"outputs":[]}`;
    expect(await readAnyhow(json, form)).toMatchObject({ type: 'unintelligible' });
  });

  test('gives files of the same name names of their own', async () => {
    const json = JSON.stringify({ outputs: [hello, { ...hello, filename: '../Hello.txt' }, hello] });
    expect(await readAnyhow(json, form)).toMatchObject({ names: ['hello.txt', 'Hello-2.txt', 'hello-3.txt'] });
  });

  test('with a file of another size than it says is refused, the good one beside it too', async () => {
    const json = JSON.stringify({ outputs: [hello, { ...hello, size: 6 }] });
    expect(await readAnyhow(json, form)).toMatchObject({ type: 'unintelligible' });
  });

  test('that ends anywhere before its end is a cut', async () => {
    const reader = await createReader();
    const whole = framed(JSON.stringify({ prompt: { a: [1] }, outputs: [hello] }), form);
    const end = whole.lastIndexOf('}');
    for (let length = whole.indexOf('{'); length <= end; length += 1) {
      const error = await reader.read([whole.subarray(0, length)], form).catch(errorOf);
      expect(error).toMatchObject({ type: 'cut' });
    }
  });

  test.for(['{"a":1}{"a":2}', '{"a":nul}', '{"a" "b"}', 'hello', '{"a":"b\nc"}', '{"outputs":[{"data" "AAAA"}]}', '}'])(
    'that is no JSON ends in an error: %j',
    async (json) => {
      expect(await readAnyhow(json, form)).toBeInstanceOf(BackendError);
    },
  );

  test('is as large as it may be, and no larger', async () => {
    const reader = await createReader();
    const outputs = [1, 2].map((name) => ({ filename: `${name}`, data: Buffer.alloc(3000).toString('base64') }));
    const bytes = framed(JSON.stringify({ outputs }), form);
    const read = (limits: object) => reader.read([bytes], form, limits).catch(errorOf);
    expect(await read({ maxBytes: 6000, maxFileBytes: 3000 })).toMatchObject({ names: ['1', '2'] });
    expect(await read({ maxBytes: 5999 })).toMatchObject({ type: 'too-large' });
    expect(await read({ maxFileBytes: 2999 })).toMatchObject({ type: 'too-large' });
    expect(await read({ maxSkeletonBytes: 40 })).toMatchObject({ type: 'too-large' });
    const many = framed(`{"outputs":[${Array.from({ length: 1001 }, () => '{"data":"AAAA"}').join()}]}`, form);
    expect(await reader.read([many], form).catch(errorOf)).toMatchObject({ type: 'too-large' });
  });

  test('of many slabs comes out as it went in, with escapes in between', async () => {
    const reader = await createReader();
    const dice = createDice(1);
    const contents = [3_000_001, 1, 400_000].map((size) =>
      Buffer.from(Uint8Array.from({ length: size }, () => dice.roll(256))),
    );
    const outputs = contents.map((body, name) => ({
      filename: `${name}`,
      size: body.length,
      data: body.toString('base64'),
    }));
    const plain = JSON.stringify({ outputs });
    for (const json of [plain, plain.replaceAll('/', '\\/')]) {
      for (const chunks of [[framed(json, form)], slices(framed(json, form), 16_384), cut(framed(json, form), dice)]) {
        const { files } = await reader.read(chunks, form);
        expect(files.map((file, index) => contents[index]?.equals(file))).toEqual([true, true, true]);
      }
    }
  });
});

describe('the event of a result', () => {
  const json = JSON.stringify({ outputs: [hello] });

  test.for([
    ['with its data first', `data: ${json}\nevent: prompt_result\n\n`],
    ['over several lines', `event: prompt_result\ndata: ${json.replaceAll(',', ',\ndata:')}\n\n`],
    ['without an end', `event: prompt_result\ndata: ${json}`],
    ['with its name again', `event: log\nevent: prompt_result\ndata: ${json}\nevent: prompt_result\n\n`],
    ['with a ping in between', `event: prompt_result\r\n: ping\r\ndata: ${json}\r\n\r\n`],
    ['behind a byte order mark', `\u{feff}event:prompt_result\rdata:${json}\r\r`],
    ['before others', `event: prompt_result\ndata: ${json}\n\nevent: prompt_result\ndata: {}\n\ndata: {`],
  ])('%s is read', async ([, text = '']) => {
    const reader = await createReader();
    for (const size of [1, 2, 5, 1000]) {
      expect(await reader.read(slices(Buffer.from(text), size), 'stream')).toMatchObject({ names: ['hello.txt'] });
    }
  });

  test('that becomes another event is none', async () => {
    const reader = await createReader();
    const text = `event: prompt_result\ndata: ${json}\nevent: other\n\n`;
    await expect(reader.read([Buffer.from(text)], 'stream')).rejects.toMatchObject({ type: 'cut' });
    const then = `${text}event: prompt_result\ndata: ${json}\n\n`;
    expect(await reader.read([Buffer.from(then)], 'stream')).toMatchObject({ names: ['hello.txt'] });
  });
});
