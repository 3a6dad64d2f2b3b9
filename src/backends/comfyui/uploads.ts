import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { StoredFile } from '../../recipes/recipe.ts';
import { createMultipart } from '../payload.ts';
import { lastOf, readJson } from './ask.ts';
import type { Session } from './mode.ts';

/** Uploads stay for ever, because ComfyUI has no way to delete them: so they have a folder that can be emptied. */
const SUBFOLDER = 'troupe';

const Uploaded = z.object({ name: z.string().min(1), subfolder: z.string().nullish(), type: z.string().nullish() });

/**
 * Puts files where the workflow's loaders find them; the same bytes once. Gives what the loader's input must say, by
 * parameter key.
 * @throws BackendError never billed: nothing has run yet
 */
export async function uploadFiles(
  files: Readonly<Record<string, StoredFile>>,
  session: Pick<Session, 'server' | 'http'>,
): Promise<Record<string, string>> {
  const names = new Map<string, string>();
  const values: [key: string, name: string][] = [];
  for (const [key, file] of Object.entries(files)) {
    const hash = await hashOf(file.path);
    const name = names.get(hash) ?? (await upload(file, hash, session));
    names.set(hash, name);
    values.push([key, name]);
  }
  return Object.fromEntries(values);
}

async function upload(
  file: StoredFile,
  hash: string,
  { server, http }: Pick<Session, 'server' | 'http'>,
): Promise<string> {
  // Without `overwrite`: the same bytes keep their name, and no run finds a file that is just being written.
  const form = await createMultipart({
    files: { image: { ...file, name: `${hash.slice(0, 32)}${extname(file.name).toLowerCase()}` } },
    fields: { subfolder: SUBFOLDER, type: 'input' },
  });
  try {
    const answer = await readJson(await lastOf(http.post(server.route('upload/image'), server.headers, form)));
    const uploaded = Uploaded.safeParse(answer);
    if (!uploaded.success) {
      throw new BackendError('an answer to an upload that is not ComfyUI’s', {
        type: 'unintelligible',
        cause: uploaded.error,
      });
    }
    const { name, subfolder, type } = uploaded.data;
    const path = subfolder ? `${subfolder}/${name}` : name;
    return type && type !== 'input' ? `${path} [${type}]` : path;
  } catch (error) {
    throw error instanceof BackendError ? unbilled(error) : error;
  }
}

function unbilled(error: BackendError): BackendError {
  const { type, retryable, detail, retryAfterMs, status } = error;
  const passes = type === 'cut' || type === 'failed';
  return new BackendError(`upload: ${error.message}`, {
    type,
    retryable: retryable || passes,
    billed: 'no',
    cause: error,
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { status }),
  });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
