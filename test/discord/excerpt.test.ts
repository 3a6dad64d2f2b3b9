import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { excerptOf } from '../../src/discord/excerpt.ts';

async function show(content: string | Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-excerpt-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'text');
  await writeFile(path, content);
  return await excerptOf(path);
}

describe('a text in a message', () => {
  it('is shown as it is where it is short', async () => {
    expect(await show('a cat 🐈\r\n\r\n  on a mat\n')).toEqual({
      block: '```\na cat 🐈\n\n  on a mat\n```',
      isWhole: true,
    });
  });

  it('is only begun where it has more than 1000 characters or 20 lines', async () => {
    expect(await show('x'.repeat(1000))).toMatchObject({ isWhole: true });
    expect(await show('x'.repeat(1001))).toEqual({ block: `\`\`\`\n${'x'.repeat(300)}…\n\`\`\``, isWhole: false });
    expect(await show('line\n'.repeat(20))).toMatchObject({ isWhole: true });
    expect(await show('line\n'.repeat(21))).toEqual({
      block: `\`\`\`\n${'line\n'.repeat(5).trim()}…\n\`\`\``,
      isWhole: false,
    });
  });

  it('of 100,000 characters is cut between two of them', async () => {
    for (const text of ['🐈'.repeat(100_000), `a${'🐈'.repeat(100_000)}`, `abc${'é'.repeat(100_000)}`]) {
      const { block = '', isWhole } = (await show(text)) ?? {};
      expect(isWhole).toBe(false);
      expect(block.isWellFormed()).toBe(true);
      expect(block).not.toContain('\uFFFD');
      expect(Array.from(block).length).toBeLessThan(320);
    }
  });

  it('cannot leave its block, and turns no words around', async () => {
    const fences = ['```', '````', '``````', '`` `', '\n```\n@everyone\n```js\n', '`\u007f``', '`\u202E``'];
    for (const fence of fences) {
      const { block = '' } = (await show(`before ${fence} after @everyone <@1> **b** \u202E`)) ?? {};
      expect(block.slice(4, -4)).not.toContain('```');
      expect(block).toMatch(/^```\n[^]*\n```$/);
      expect(block).not.toMatch(/\u202E/u);
    }
  });

  it('is none where there is no word in it, or it is none', async () => {
    expect(await show('')).toBeUndefined();
    expect(await show(' \n\t\n')).toBeUndefined();
    expect(await show('\u202E\u2066')).toBeUndefined();
    expect(await show(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))).toBeUndefined();
    // In Latin-1: as UTF-8 it would be shown with marks for what cannot be read.
    expect(await show(Buffer.from('Grün und süß', 'latin1'))).toBeUndefined();
    expect(await show('<!doctype html><html></html>')).toBeUndefined();
  });
});
