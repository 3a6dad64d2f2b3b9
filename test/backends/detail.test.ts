import { describe, expect, test } from 'vitest';
import { createCleaner, parametersOf, wordsOf, wordsOfText } from '../../src/backends/detail.ts';

const clean = createCleaner(['s3cret/key', 'client']);

describe("a backend's words, made fit to be shown", () => {
  test.for([
    ['one\r\n two\u2028three\u202e', 'one two three'],
    ['bad key s3cret/key or s3cret%2Fkey', 'bad key [hidden] or [hidden]'],
    ['see https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=abc now', 'see [address] now'],
    ['postgres://me:you@db/x failed', '[address] failed'],
    ['no such file: /root/ComfyUI/models/vae/ae.safetensors', 'no such file: …/ae.safetensors'],
    ["could not open '/home/alice'", "could not open '[path]'"],
    ['at C:\\Users\\alice\\run.py', 'at …/run.py'],
    ['~/models/a.pt and \\\\server\\share\\b', '…/a.pt and [path]'],
    ['step 12/25, and/or 3/4', 'step 12/25, and/or 3/4'],
    [
      'Traceback (most recent call last):\n  File "/app/x.py", line 3, in f\n    boom()\nValueError: too wide',
      'ValueError: too wide',
    ],
    ['before\nTraceback (most recent call last):\n  File "/a", line 1\nE: x', 'before E: x'],
    ['File "/app/x.py", line 3, in f', undefined],
    ['  \n ', undefined],
  ] as const)('%j', ([text, shown]) => {
    expect(clean(text)).toBe(shown);
  });

  test('is cut to 300 characters, and quick about megabytes', () => {
    expect(clean('a '.repeat(400))).toHaveLength(300);
    const began = performance.now();
    for (const hostile of ['/', '\\a', 'a/', '://', '"/', 'C:\\', ' \n']) clean(hostile.repeat(1_000_000));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('words are found in', () => {
  test.for([
    ['plain text', 'Busy', 'Busy'],
    ['a JSON string', '"Busy"', 'Busy'],
    ['FastAPI', '{"detail":"Not Found"}', 'Not Found'],
    [
      'FastAPI, about the whole body',
      '{"detail":[{"loc":["body"],"msg":"Field required"}]}',
      'the request: Field required',
    ],
    ['the app', '{"errorMsg":"Failed","errorDetails":["a","b"]}', 'Failed: a: b'],
    [
      'ComfyUI',
      '{"error":{"type":"x","message":"Prompt outputs failed","details":"node 3"}}',
      'Prompt outputs failed: node 3',
    ],
    [
      'ComfyUI of each node',
      '{"error":{"message":"x"},"node_errors":{"82":{"errors":[{"message":"Too big","extra_info":{"input_name":"upscale_by"}}]},"9":{"errors":[{"message":"Odd"}]}}}',
      '9: Odd; 82-inputs-upscale_by: Too big',
    ],
    ['another service', '{"error":"no credit"}', 'no credit'],
    ['broken JSON, as it is', '{"detail":', '{"detail":'],
  ] as const)('%s', ([, text, words]) => {
    expect(wordsOfText(text)).toBe(words);
  });

  test('nothing else', () => {
    expect(['', '  ', '<html>', '{}', '[1]', '5'].map(wordsOfText)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      '5',
    ]);
    expect([null, 5, {}, []].map(wordsOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('the parameters that an error complains about', () => {
  test.for([
    [
      'places of FastAPI',
      '{"detail":[{"loc":["body","params","5-inputs-x"],"msg":"unlike 6-inputs-y"}]}',
      ['5-inputs-x'],
    ],
    ['words of FastAPI', '{"detail":[{"loc":["body","params"],"msg":"5-inputs-x: no, 5-inputs-x"}]}', ['5-inputs-x']],
    ['one sentence', '{"detail":"No input 12:5-inputs-x, or 6-inputs-y."}', ['12:5-inputs-x', '6-inputs-y']],
    [
      'nodes of ComfyUI',
      '{"node_errors":{"82":{"errors":[{"message":"a","extra_info":{"input_name":"upscale_by"}}]}}}',
      ['82-inputs-upscale_by'],
    ],
    ['a page', '<html>5-inputs-x</html>', []],
    ['nothing', '', []],
  ] as const)('%s', ([, text, keys]) => {
    expect(parametersOf(text)).toEqual(keys);
  });

  test('are found in a hostile body without delay', () => {
    const began = performance.now();
    for (const unit of ['x', '-inputs-', 'a.', '1-inputs-']) parametersOf(unit.repeat(65_536 / unit.length));
    // Quadratic reading takes half a minute for this.
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
