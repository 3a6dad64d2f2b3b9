import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { code, plain } from '../../src/discord/markdown.ts';
import { text } from '../../src/discord/text.ts';
import { BACKEND_ERROR_TYPES, BackendError } from '../../src/errors.ts';

const HOSTILE =
  '@everyone <@123> [x](https://evil.example) **b** `c` ||s|| \n# h\u202Eabc\u0000\t> q https://evil.example';

describe('words of others', () => {
  it('mention nobody, link nowhere and format nothing', () => {
    const shown = plain(HOSTILE, 500);
    // Every mark that Discord could read is behind a backslash, so it is shown and nothing else.
    expect(shown.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).toMatch(/^[\w\s]*$/);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('cannot leave the typewriter face', () => {
    const shown = code(HOSTILE, 500);
    expect(shown.slice(1, -1)).not.toContain('`');
    expect(shown).toMatch(/^`[^\n]*`$/);
  });

  it('are cut by whole characters', () => {
    expect(plain('👩‍🚀'.repeat(200), 10).isWellFormed()).toBe(true);
    expect(Array.from(code('x'.repeat(500), 90))).toHaveLength(92);
  });

  it('of nothing but blanks are nothing', () => {
    expect(code(' \n\t ', 10)).toBe('');
    expect(text.logLine('\u0007\r\n')).toBe('');
  });
});

describe('a failure', () => {
  const failures = BACKEND_ERROR_TYPES.filter((type) => type !== 'cancelled').map((type) =>
    text.failed({ by: 'backend', fault: new BackendError('for the log', { type, billed: 'no' }) }, 'ViewComfy'),
  );

  it('of every kind has a sentence of its own, and none of them is the one for the log', () => {
    const others = [
      text.failed({ by: 'delivery' }, 'ViewComfy'),
      text.failed({ by: 'disk' }, 'ViewComfy'),
      text.failed({ by: 'us' }, 'ViewComfy'),
    ];
    const all = [...failures, ...others];
    expect(new Set(all).size).toBe(all.length);
    for (const sentence of all) {
      expect(sentence).toMatch(/^[A-Z].*[.]/);
      expect(sentence).not.toContain('for the log');
    }
  });

  it('that may have been paid for says so', () => {
    const sentence = text.failed({ by: 'backend', fault: new BackendError('x', { type: 'cut' }) }, 'ViewComfy');
    expect(sentence).toContain('may have been paid for');
    expect(failures.join('\n')).not.toContain('paid');
  });

  it("shows the backend's own words, made harmless", () => {
    const fault = new BackendError('x', { type: 'failed', billed: 'no', detail: 'CUDA out of memory @everyone' });
    expect(text.failed({ by: 'backend', fault }, 'ViewComfy')).toContain(String.raw`CUDA out of memory \@everyone`);
  });

  it('that is about an option names it as people know it', () => {
    const fault = new BackendError('x', {
      type: 'invalid',
      billed: 'no',
      parameters: ['82-inputs-upscale_by', '9-inputs-x'],
    });
    const sentence = text.failed({ by: 'backend', fault }, 'ViewComfy', character);
    expect(sentence).toContain('It is about **upscale**.');
    const workflow = { graph: {}, parameters: { upscale: ['9-inputs-x', '9-inputs-y'] } };
    const sent = new BackendError('x', { type: 'invalid', billed: 'no', parameters: ['9-inputs-x', '9-inputs-y'] });
    expect(text.failed({ by: 'backend', fault: sent }, 'ComfyUI', { ...character, workflow })).toContain(
      'It is about **upscale**.',
    );
  });
});

describe('the progress bar', () => {
  it('stays in its bounds', () => {
    expect(text.steps(0, 25)).toContain('0 %');
    expect(text.steps(25, 25)).toContain('100 %');
    expect(() => text.steps(30, 25)).not.toThrow();
  });
});
