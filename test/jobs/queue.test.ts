import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createStoreQueue } from '../../src/jobs/store-queue.ts';
import { createSpool } from '../../src/storage/spool.ts';
import { createStore } from '../../src/storage/store.ts';
import { describeQueue } from './_queue-contract.ts';

describeQueue('the queue in the store', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-queue-'));
  const spool = await createSpool(folder);
  return {
    async open(backend, limits, clock) {
      const store = createStore(folder);
      const queue = createStoreQueue({ backend, store, spool, limits, clock, log: pino({ level: 'silent' }) });
      // A process that is killed writes nothing any more.
      return { queue, kill: async () => store.close() };
    },
    inputs: (job) => spool.folder(job, 'inputs'),
    clear: () => rm(folder, { recursive: true }),
  };
});
