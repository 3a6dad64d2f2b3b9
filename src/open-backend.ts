import { randomBytes } from 'node:crypto';
import type { Backend } from './backends/backend.ts';
import { startChild, withChild } from './backends/comfyui/child.ts';
import { createFailover } from './backends/failover.ts';
import { onlySuited } from './backends/suited.ts';
import { createThreadedBackend } from './backends/thread.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { BackendSettings } from './config-backends.ts';
import type { Logger } from './log.ts';
import { createLocalViewComfy } from './playground/viewcomfy/server.ts';

/** The backends that are configured, as one; or where none is, a local ViewComfy and the way to it. */
export async function openBackend(
  { backends, limits, childEnvironment }: Pick<Config, 'backends' | 'limits' | 'childEnvironment'>,
  log: Logger,
): Promise<Backend> {
  const opened: Backend[] = [];
  try {
    for (const settings of backends) opened.push(withKind(await open(settings), settings));
  } catch (error) {
    for (const backend of opened) await backend.close();
    throw error;
  }
  const [first, ...others] = opened;
  if (!first) throw new Error('No backend is configured');
  return others.length === 0 ? onlySuited(first) : createFailover(opened, { clock: systemClock, log });

  async function open(settings: BackendSettings): Promise<Backend> {
    const dependencies = { clock: systemClock, log };
    const totalTimeoutMs = limits.runMs;
    if (settings.type === 'local-viewcomfy') return await openLocalViewComfy(settings);
    if (settings.type !== 'comfyui') return await createThreadedBackend({ ...settings, totalTimeoutMs }, dependencies);
    const { servers, ...options } = settings;
    if ('urls' in servers) return await createThreadedBackend({ ...options, ...servers, totalTimeoutMs }, dependencies);
    const child = await startChild({ ...servers, env: childEnvironment }, dependencies);
    const backend = await createThreadedBackend({ ...options, urls: [child.url], totalTimeoutMs }, dependencies);
    return withChild(backend, child);
  }

  async function openLocalViewComfy({ runMs, coldStartMs }: Extract<BackendSettings, { type: 'local-viewcomfy' }>) {
    const keys = { clientId: 'playground', clientSecret: randomBytes(18).toString('base64url') };
    const local = await createLocalViewComfy({ ...keys, runMs, coldStartMs });
    const backend = await createThreadedBackend(
      { type: 'viewcomfy', name: 'the local ViewComfy', url: local.url, totalTimeoutMs: limits.runMs, ...keys },
      { clock: systemClock, log },
    );
    return {
      ...backend,
      async close() {
        await backend.close();
        await local.close();
      },
    };
  }
}

/** The playground's own has none: it shows every recipe. */
function withKind(backend: Backend, { type }: BackendSettings): Backend {
  return type === 'local-viewcomfy' ? backend : { ...backend, kind: type };
}
