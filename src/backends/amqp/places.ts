import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { StoredFile } from '../../recipes/recipe.ts';
import { textOutputs, type Given, type GivenFile } from '../comfyui/outputs.ts';
import type { Server } from '../comfyui/server.ts';
import { uploadFiles } from '../comfyui/uploads.ts';
import { download } from '../download.ts';
import type { Http } from '../http.ts';
import type { Patience } from '../patience.ts';
import type { ResultOutput } from '../result-files.ts';
import { mediaTypeOf } from '../result-names.ts';
import { openOutput, putInputs, removeInputs } from './shared-folder.ts';

/** Where files are that workers and the bot share: RabbitMQ carries none. */
export interface Places {
  /**
   * Puts a run's pictures where the workers find them, and gives what the workflow has to call each, by parameter key.
   * @throws BackendError
   */
  put(id: string, files: Readonly<Record<string, StoredFile>>): Promise<Record<string, string>>;
  /** Takes them away again, where that is possible. */
  remove(id: string): Promise<void>;
  /** Results with addresses for `read`, and texts as they are. */
  outputsOf(given: Given): ResultOutput[];
  read(address: string): AsyncIterable<Buffer>;
}

export interface PlacesOptions {
  readonly outputDir?: string;
  readonly inputDir?: string;
  /** a ComfyUI that has the same folders */
  readonly server: Server | undefined;
  readonly http: Http;
  readonly patience: Patience;
  readonly log: Pick<Logger, 'warn'>;
}

/** Of files in `outputDir`; no address begins so. */
const SHARED = 'shared:';
/** A worker's file may take a while to be seen through a network's file system. */
const APPEAR_PAUSES_MS = [200, 1000, 2000, 5000] as const;

export function createPlaces({ outputDir, inputDir, server, http, patience, log }: PlacesOptions): Places {
  const shared: GivenFile[] = [];
  return { put, remove, outputsOf, read };

  async function put(id: string, files: Readonly<Record<string, StoredFile>>): Promise<Record<string, string>> {
    if (Object.keys(files).length === 0) return {};
    if (inputDir !== undefined) return await putInputs(inputDir, id, files);
    if (server) return await uploadFiles(files, { server, http });
    throw new BackendError('no way to give pictures to the workers', {
      type: 'refused',
      billed: 'no',
      detail:
        'Pictures cannot be given to the workers: whoever hosts the bot has to set the folder that they read from.',
    });
  }

  async function remove(id: string): Promise<void> {
    if (inputDir === undefined) return;
    // The run has ended, whatever becomes of its pictures.
    await removeInputs(inputDir, id).catch((error: unknown) =>
      log.warn({ error }, 'Pictures of a run were not removed'),
    );
  }

  function outputsOf({ files, texts }: Given): ResultOutput[] {
    // Texts are a result by themselves: what was only shown beside them, and cannot be fetched, is let go.
    const within = texts.length > 0 ? files.filter((file) => server ?? isShared(file)) : files;
    const outputs = within.map((file) => ({
      name: file.filename,
      mediaType: mediaTypeOf(undefined, file.filename),
      size: undefined,
      data: undefined,
      url: addressOf(file),
      node: file.node,
    }));
    return [...outputs, ...textOutputs(texts)];
  }

  /** Only outputs are in the shared folder; what a workflow shows without saving it is elsewhere. */
  function isShared({ type }: GivenFile): boolean {
    return outputDir !== undefined && type === 'output';
  }

  function addressOf(file: GivenFile): string {
    const { filename, subfolder, type } = file;
    if (isShared(file)) return `${SHARED}${shared.push(file) - 1}`;
    if (server) return server.route('view', { filename, subfolder, type }).href;
    throw new BackendError('a result that is in no shared folder', {
      type: 'failed',
      detail: 'The workflow saves nothing: it only shows its pictures, with Preview Image instead of Save Image.',
    });
  }

  async function* read(address: string): AsyncGenerator<Buffer> {
    const ref = address.startsWith(SHARED) ? shared[Number(address.slice(SHARED.length))] : undefined;
    if (ref && outputDir !== undefined) yield* readShared(outputDir, ref);
    else if (server) {
      const { headers } = server;
      yield* download(address, { http, patience, allows: (url) => server.owns(url), headers });
    }
  }

  async function* readShared(folder: string, ref: GivenFile): AsyncGenerator<Buffer> {
    for (let tries = 0; ; tries += 1) {
      const file = await openOutput(folder, ref);
      if (file) {
        for await (const chunk of file.createReadStream({ highWaterMark: 256 * 1024 })) {
          patience.touch();
          if (Buffer.isBuffer(chunk)) yield chunk;
        }
        return;
      }
      const pauseMs = APPEAR_PAUSES_MS[tries];
      if (pauseMs === undefined) {
        throw new BackendError('a result is not in the shared folder', {
          type: 'cut',
          detail: 'The worker has written a result that is not in the folder which it shares with the bot.',
        });
      }
      await patience.pause(pauseMs);
    }
  }
}
