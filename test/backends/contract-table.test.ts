import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { BACKEND_TYPES } from '../../src/config-backends.ts';
import { drawTable, type ContractResult } from '../contract-table.ts';

/** It is ViewComfy's API, spoken by the playground. */
const STAND_INS: ReadonlySet<string> = new Set(['local-viewcomfy']);

test('every backend that can be configured has its contract', async () => {
  const files = await readdir(new URL('.', import.meta.url));
  const wanted = BACKEND_TYPES.filter((type) => !STAND_INS.has(type)).map((type) => `${type}-contract.test.ts`);
  expect(files).toEqual(expect.arrayContaining(wanted));
});

test('the table says what passed, failed, is declined, lacks, did not run, and where it has a hole', () => {
  const result = (backend: string, name: string, more: Partial<ContractResult> = {}): ContractResult => ({
    backend,
    case: name,
    state: 'passed',
    ...more,
  });
  const table = drawTable([
    result('Segmind', 'progress', { declined: true }),
    result('Segmind', 'leave', { state: 'skipped', lack: 'it says nothing' }),
    result('ComfyUI', 'progress'),
    result('ComfyUI', 'leave', { state: 'failed' }),
    result('ComfyUI', 'gone', { state: 'skipped' }),
  ]);
  expect(table.split('\n')).toEqual([
    'The contract of backends',
    '  A  ComfyUI',
    '  B  Segmind',
    '',
    '          A    B',
    'progress  ok   no',
    'leave     FAIL (1)',
    'gone      ·    HOLE',
    '',
    '  no   the backend says itself that it does not do this, and keeps its word',
    '  ·    did not run',
    '  (1)  it says nothing',
  ]);
});
