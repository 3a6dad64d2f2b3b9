import type { Backend } from './backend.ts';
import { createViewComfy, type ViewComfyDependencies, type ViewComfyOptions } from './viewcomfy.ts';

/** A union by `type`; a new backend adds its member here and its case below. */
export type BackendConfig = { readonly type: 'viewcomfy' } & ViewComfyOptions;

/** The one switch. */
export function createBackend(config: BackendConfig, dependencies: ViewComfyDependencies): Backend {
  switch (config.type) {
    case 'viewcomfy':
      return createViewComfy(config, dependencies);
  }
}
