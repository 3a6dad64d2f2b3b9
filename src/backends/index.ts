import { createAmqp, type AmqpOptions } from './amqp.ts';
import type { Backend } from './backend.ts';
import { createComfyUI, type ComfyUIOptions } from './comfyui.ts';
import { createSegmind, type SegmindOptions } from './segmind.ts';
import { createViewComfy, type ViewComfyDependencies, type ViewComfyOptions } from './viewcomfy.ts';

/** A union by `type`; a new backend adds its member here and its case below. */
export type BackendConfig =
  | ({ readonly type: 'viewcomfy' } & ViewComfyOptions)
  | ({ readonly type: 'comfyui' } & ComfyUIOptions)
  | ({ readonly type: 'amqp' } & AmqpOptions)
  | ({ readonly type: 'segmind' } & SegmindOptions);

/** The one switch. */
export function createBackend(config: BackendConfig, dependencies: ViewComfyDependencies): Backend {
  switch (config.type) {
    case 'viewcomfy':
      return createViewComfy(config, dependencies);
    case 'comfyui':
      return createComfyUI(config, dependencies);
    case 'amqp':
      return createAmqp(config, dependencies);
    case 'segmind':
      return createSegmind(config, dependencies);
  }
}
