import type { AmqpOptions } from './amqp.ts';
import type { Backend } from './backend.ts';
import type { ComfyUIOptions } from './comfyui.ts';
import type { SegmindOptions } from './segmind.ts';
import type { ViewComfyDependencies, ViewComfyOptions } from './viewcomfy.ts';

/** A union by `type`; a new backend adds its member here and its case below. */
export type BackendConfig =
  | ({ readonly type: 'viewcomfy' } & ViewComfyOptions)
  | ({ readonly type: 'comfyui' } & ComfyUIOptions)
  | ({ readonly type: 'amqp' } & AmqpOptions)
  | ({ readonly type: 'segmind' } & SegmindOptions);

/** The one switch. What is not used is not loaded: each thread would pay for it with 20 MB. */
export async function createBackend(config: BackendConfig, dependencies: ViewComfyDependencies): Promise<Backend> {
  switch (config.type) {
    case 'viewcomfy':
      return (await import('./viewcomfy.ts')).createViewComfy(config, dependencies);
    case 'comfyui':
      return (await import('./comfyui.ts')).createComfyUI(config, dependencies);
    case 'amqp':
      return (await import('./amqp.ts')).createAmqp(config, dependencies);
    case 'segmind':
      return (await import('./segmind.ts')).createSegmind(config, dependencies);
  }
}
