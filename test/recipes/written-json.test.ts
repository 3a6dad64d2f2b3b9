import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWritten, printWritten, scalarOf, writtenAt } from '../../src/recipes/written-json.ts';

describe('JSON as it was written', () => {
  test('means what JSON.parse reads, whatever it is', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        expect(JSON.parse(printWritten(parseWritten(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('is printed as JSON.stringify would, where JavaScript changes nothing', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: 'binary' }).map((name) => `x${name}`),
          fc.jsonValue(),
        ),
        (value) => {
          const text = JSON.stringify(value, undefined, 2);
          // -0 is the one number that JSON.stringify itself changes; an integer-like name is moved.
          fc.pre(JSON.stringify(JSON.parse(text), undefined, 2) === text);
          expect(printWritten(parseWritten(text))).toBe(text);
          expect(printWritten(parseWritten(JSON.stringify(value)))).toBe(text);
        },
      ),
    );
  });

  test('keeps the order of names, digits, and names of prototypes', () => {
    const text = '{"10": {"__proto__": 1.0}, "2": [12345678901234567890, -0], "constructor": "\\"}"}';
    const written = parseWritten(text);
    expect(printWritten(written).replaceAll(/\n\s*/g, ' ')).toBe(
      '{ "10": { "__proto__": 1.0 }, "2": [ 12345678901234567890, -0 ], "constructor": "\\"}" }',
    );
    expect(writtenAt(written, '2', 0)).toEqual({ digits: '12345678901234567890' });
    expect(scalarOf(writtenAt(written, '10', '__proto__'))).toBe(1);
    expect(writtenAt(written, 'toString')).toBeUndefined();
  });

  test('of a name that is there twice has the last value, as everywhere', () => {
    expect(printWritten(parseWritten('{"a":1,"b":2,"a":3}'))).toBe('{\n  "a": 3,\n  "b": 2\n}');
  });

  test('that is none is told, and nothing overflows', () => {
    expect(() => parseWritten('{"a":')).toThrow(SyntaxError);
    expect(() => parseWritten(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toThrow('deep');
  });
});
