import { configDefaults, defineConfig } from 'vitest/config';
import { createContractTable } from './test/contract-table.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: [...configDefaults.reporters, createContractTable()],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Two workers: the machines this runs on are small, and the end-to-end tests start whole bots.
    maxWorkers: 2,
    // What is awaited comes in milliseconds; a busy machine may take its time all the same.
    expect: { poll: { timeout: 10_000 } },
  },
});
