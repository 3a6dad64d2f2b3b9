import { randomBytes } from 'node:crypto';
import type { Backend } from './backends/backend.ts';
import { createThreadedBackend } from './backends/thread.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { createLocalViewComfy } from './playground/viewcomfy/server.ts';

/** The backend that is configured, or where none is, a local ViewComfy and the way to it. */
export async function openBackend(
  { backend: config, limits }: Pick<Config, 'backend' | 'limits'>,
  log: Logger,
): Promise<Backend> {
  const dependencies = { clock: systemClock, log };
  const totalTimeoutMs = limits.runMs;
  if (config.type !== 'local-viewcomfy') return createThreadedBackend({ ...config, totalTimeoutMs }, dependencies);
  const keys = { clientId: 'playground', clientSecret: randomBytes(18).toString('base64url') };
  const local = await createLocalViewComfy({ ...keys, runMs: config.runMs, coldStartMs: config.coldStartMs });
  const name = 'the local ViewComfy';
  const backend = createThreadedBackend(
    { type: 'viewcomfy', name, url: local.url, totalTimeoutMs, ...keys },
    dependencies,
  );
  return {
    ...backend,
    async close() {
      await backend.close();
      await local.close();
    },
  };
}
