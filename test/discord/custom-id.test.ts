import { describe, expect, it } from 'vitest';
import { customId, formId, parseCustomId, parseFormId } from '../../src/discord/custom-id.ts';

describe('the id of a button', () => {
  it.each([
    ['cancel', 'aB-_9', 0, 0, 'cancel:aB-_9'],
    ['next', 'job', 10, 0, 'next:job:10'],
    ['original', 'job', 0, 20_971_520, 'original:job:0:20971520'],
  ] as const)('says what is to be done: %s', (action, job, from, bytes, id) => {
    expect(customId(action, job, from, bytes)).toBe(id);
    expect(parseCustomId(id)).toEqual({ action, job, from, bytes });
  });

  it.each(['', 'cancel', 'cancel:', 'explode:job', 'next:job:x', 'next:job:-1', 'next:job:1.5', 'cancel:a/b'])(
    'that is not ours is nothing: %s',
    (id) => {
      expect(parseCustomId(id)).toBeUndefined();
    },
  );
});

describe('the id of a modal', () => {
  it('says which form it is of', () => {
    expect(formId('aB-_9')).toBe('form:aB-_9');
    expect(parseFormId('form:aB-_9')).toBe('aB-_9');
  });

  it.each(['', 'form:', 'form:a/b', 'form:a:b', 'cancel:job', ' form:a'])('that is not ours is nothing: %s', (id) => {
    expect(parseFormId(id)).toBeUndefined();
  });
});
