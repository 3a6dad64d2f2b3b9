import { existsSync, readFileSync } from 'node:fs';
import { array, assert, constantFrom, jsonValue, nat, oneof, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPickle } from '../../src/backends/amqp/pickle.ts';
import { PickleError, type PickleValue } from '../../src/backends/amqp/pickle-values.ts';
import { writePickle } from '../../src/playground/comfyui-worker/pickle.ts';
import { HOSTILE_PICKLES, PICKLES } from './_amqp-pickles.ts';

const EVENT_TYPES = 'comfy.component_model.queue_types.BinaryEventTypes';
const names = new Set([
  EVENT_TYPES,
  'builtins.getattr',
  'PIL.Image.Image',
  'copyreg._reconstructor',
  'builtins.object',
]);
const read = (base64: string, options = { names }) => readPickle(Buffer.from(base64, 'base64'), options);
const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.of(part))));

const EXPECTED: Readonly<Record<string, PickleValue>> = {
  numbers: [
    0,
    1,
    -1,
    255,
    256,
    65535,
    65536,
    -32768,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 63n,
    -(2n ** 63n),
    2n ** 64n - 1n,
    0,
    -0.5,
    1e300,
    1e-7,
    Infinity,
    true,
    false,
    null,
  ],
  texts: ['', 'a', 'grüne Augen', '🎭 two\nlines', '\\u0041 is no A', 'x'.repeat(300)],
  bytes: [Buffer.of(), Buffer.of(0, 255, 10), Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256))],
  bytearray: Buffer.of(0, 254),
  tuples: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]],
  sets: [new Set(), new Set([1, 2]), new Set(), new Set(['a'])],
  nested: new Map<PickleValue, PickleValue>([
    ['a', [new Map([['b', [new Map([['c', []]])]]])]],
    [1, 'one'],
  ]),
  shared: [['again'], ['again'], new Map([['s', ['again']]])],
};

/** Buffers and other arrays of bytes are the same here. */
function plain(value: PickleValue): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return [...value].map(([key, inner]) => [plain(key), plain(inner)]);
  if (value instanceof Set) return [...value].map(plain);
  if (typeof value !== 'object' || value === null || value.kind === 'name') return value;
  return { ...value, args: value.args.map(plain), ...(value.state !== undefined && { state: plain(value.state) }) };
}

describe('a pickle', () => {
  for (const [name, expected] of Object.entries(EXPECTED)) {
    test.for([0, 1, 2, 3, 4, 5])(`of ${name} is read in protocol %i`, (protocol) => {
      expect(plain(read(PICKLES[name]?.[protocol] ?? ''))).toEqual(plain(expected));
    });
  }

  test.for([0, 1, 2, 3, 4, 5])('of progress is read in protocol %i', (protocol) => {
    const value = read(PICKLES['progress']?.[protocol] ?? '');
    const nodes = value instanceof Map ? value.get('nodes') : undefined;
    const node = nodes instanceof Map ? nodes.get('3') : undefined;
    expect(node instanceof Map && [node.get('value'), node.get('max'), node.get('state')]).toEqual([2, 20, 'running']);
  });

  test.for([2, 3, 4, 5])('of a preview in protocol %i is names and data, and nothing is made of it', (protocol) => {
    expect(read(PICKLES['event']?.[protocol] ?? '')).toMatchObject({ kind: 'record', args: expect.anything() });
    expect(plain(read(PICKLES['preview']?.[protocol] ?? ''))).toMatchObject([
      [
        'JPEG',
        { kind: 'record', name: 'PIL.Image.Image', args: [], state: [[], 'RGB', [2, 2], null, expect.anything()] },
        512,
      ],
      expect.anything(),
    ]);
  });

  for (const [name, pickles] of Object.entries(HOSTILE_PICKLES)) {
    test.for([0, 1, 2, 3, 4, 5])(`that wants to make ${name} is refused in protocol %i`, (protocol) => {
      expect(() => read(pickles[protocol] ?? '')).toThrow(PickleError);
    });
  }

  test('with a name that is expected by somebody else is refused', () => {
    expect(() => read(PICKLES['event']?.[4] ?? '', { names: new Set() })).toThrow('a name that is not expected');
  });

  test.for([
    ['an object of protocol 0 (INST)', bytes('(ios\nsystem\n.')],
    ['an object of protocol 1 (OBJ)', bytes('(cPIL.Image\nImage\no.')],
    ['a thing of the outside (PERSID)', bytes('Pthing\n.')],
    ['a thing of the outside (BINPERSID)', bytes('NQ.')],
    ['a name by number (EXT1)', bytes(0x82, 1, '.')],
    ['a buffer that is elsewhere (NEXT_BUFFER)', bytes(0x97, '.')],
    ['a state for a list (BUILD)', bytes(']}b.')],
    ['a second state (BUILD)', bytes('cPIL.Image\nImage\n)\x81}b}b.')],
    ['a call of a text (REDUCE)', bytes('Vos.system\n)R.')],
    ['a call of what a call gave (REDUCE)', bytes('cbuiltins\ngetattr\n)R)R.')],
    ['a list that holds itself', bytes(']q\x00h\x00a.')],
    ['lists a hundred deep', bytes(']'.repeat(100), 'a'.repeat(99), '.')],
    ['marks without an end', bytes('('.repeat(100_000))],
    ['an end that is missing', bytes('X', 0xff, 0xff, 0xff, 0x7f, 'a')],
    ['bytes beyond all memory', bytes(0x8e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 'a')],
    ['an integer of a million digits', bytes('L', '9'.repeat(1_000_000), 'L\n.')],
    ['an integer of two billion bytes', bytes(0x8b, 0xff, 0xff, 0xff, 0x7f)],
    ['more values than there can be', bytes('}'.repeat(1_000_000))],
    ['what was never kept', bytes('h\x07.')],
    ['an empty stack', bytes('.')],
    ['nothing', bytes()],
    ['a protocol of the future', bytes(0x80, 6, 'N.')],
    ['half a dict', bytes('}(Va\nu.')],
    ['a set of a number', bytes('cbuiltins\nset\n(I1\ntR.')],
  ] as const)('with %s is refused', ([, pickle]) => {
    expect(() => readPickle(pickle, { names })).toThrow(PickleError);
  });

  test('that is larger than anybody sends is refused before it is read', () => {
    expect(() => readPickle(Buffer.alloc(11), { maxBytes: 10 })).toThrow('11 bytes');
  });

  test('that names one list very often is read once, and takes no time', () => {
    // As a tree it had 10^40 lists.
    const again = (index: number) =>
      `(${`h${String.fromCharCode(index)}`.repeat(10)}lq${String.fromCharCode(index + 1)}`;
    const levels = Array.from({ length: 40 }, (_, index) => again(index)).join('');
    expect(readPickle(bytes(']q\x00', levels, '.'))).toHaveLength(10);
  });

  test('of keys that mean something in JavaScript changes no object', () => {
    const value = readPickle(writePickle({ ['__proto__']: { polluted: true }, constructor: 1 }));
    expect(value instanceof Map && [...value.keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('whatever comes', () => {
  /** how it ends that is neither a value nor a PickleError */
  const surpriseOf = (pickle: Uint8Array) => {
    try {
      readPickle(pickle, { names });
      return undefined;
    } catch (error) {
      return error instanceof PickleError ? undefined : error;
    }
  };
  const expectNoSurprise = (pickle: Uint8Array) => {
    expect(surpriseOf(pickle)).toBeUndefined();
  };

  test('random bytes are a value or a PickleError', () => {
    assert(property(uint8Array({ maxLength: 200 }), expectNoSurprise), { numRuns: 3000 });
  });

  test('random instructions are a value or a PickleError', () => {
    const code = constantFrom(
      ...bytes('(.012FIJKLMNRVX]abcdeghjlpqrstu}\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x93\x94\x81', 0),
    );
    assert(
      property(array(oneof(code, nat(255)), { maxLength: 60 }), (codes) => expectNoSurprise(Buffer.of(...codes, 0x2e))),
      { numRuns: 5000 },
    );
  });

  test('a real pickle with wrong bytes, or without its end, is a value or a PickleError', () => {
    const real = constantFrom(...Object.values(PICKLES).flat());
    assert(
      property(real, array(tuple(nat(), nat(255)), { maxLength: 4 }), nat(), (base64, changes, end) => {
        const pickle = Buffer.from(base64, 'base64');
        for (const [at, byte] of changes) pickle[at % pickle.length] = byte;
        expectNoSurprise(pickle.subarray(0, 1 + (end % (pickle.length + 20))));
      }),
      { numRuns: 5000 },
    );
  });

  test('what is written is read', () => {
    assert(
      property(jsonValue({ maxDepth: 4 }), (value) => {
        expect(objects(readPickle(writePickle(value)))).toEqual(value);
      }),
    );
  });
});

/** Dicts as objects, as JSON has them. */
function objects(value: PickleValue): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, inner]) => [typeof key === 'string' ? key : '', objects(inner)]));
  }
  return Array.isArray(value) ? value.map(objects) : value;
}

const recording = new URL('../../../shared/recordings/amqp-essential-frames.json', import.meta.url);

test.skipIf(!existsSync(recording))('every recorded message of progress is read', () => {
  const { progress } = JSON.parse(readFileSync(recording, 'utf8'));
  expect(progress.length).toBeGreaterThan(5);
  for (const { body } of progress) {
    expect(read(body.event)).toMatch(/^execut|^progress/);
    const data = read(body.data);
    expect(data instanceof Map && data.get('prompt_id')).toBe('38c3132c-b1bf-479c-b540-e3ac78fd8548');
  }
});
