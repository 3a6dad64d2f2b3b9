import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { APIAttachment, APIInteractionDataResolved } from 'discord-api-types/v10';
import { request, type Dispatcher } from 'undici';
import { checkValue, complete, type DefaultFiles } from '../answers.ts';
import { UserError } from '../errors.ts';
import { createGate } from '../gate.ts';
import type { Logger } from '../log.ts';
import { preparePicture } from '../pictures/prepare.ts';
import { formatBytes } from '../pictures/sizes.ts';
import {
  isFileOption,
  type GivenAnswers,
  type Option,
  type ParameterValue,
  type PictureOption,
  type Recipe,
  type StoredFile,
} from '../recipe.ts';
import type { Spool } from '../spool.ts';
import { text } from './text.ts';

/** Turns what a person gave with a command into answers: pictures are fetched, checked and copied. */
export interface Inputs {
  /** Complete: defaults and a seed are in. @throws UserError with every problem of every option */
  read(job: string, recipe: Recipe, given: GivenOptions): Promise<GivenAnswers>;
}

export interface GivenOptions {
  readonly values: ReadonlyMap<string, ParameterValue>;
  readonly resolved: APIInteractionDataResolved | undefined;
}

/** Where Discord keeps what was attached. Anything else would let a forged message make the bot fetch for others. */
const DISCORD_CDN = ['https://cdn.discordapp.com', 'https://media.discordapp.net'];

/** A picture is in memory from its first byte until it is checked, so only so many are on their way at once. */
const FETCHES_AT_ONCE = 4;
const FETCH_MS = 60_000;

interface InputsDependencies {
  spool: Spool;
  limits: { readonly maxBytes: number; readonly maxPixels: number };
  /** origins to fetch from beside Discord's: the playground's */
  extraOrigins: readonly string[];
  defaults: DefaultFiles;
  dispatcher: Dispatcher;
  log: Logger;
}

export function createInputs({ spool, limits, extraOrigins, defaults, dispatcher, log }: InputsDependencies): Inputs {
  const origins = new Set([...DISCORD_CDN, ...extraOrigins]);
  const inTurn = createGate(FETCHES_AT_ONCE);

  async function readPicture(job: string, name: string, option: PictureOption, attachment: APIAttachment | undefined) {
    if (!attachment || !origins.has(originOf(attachment.url))) throw new UserError(text.pictureFromElsewhere);
    if (attachment.size > limits.maxBytes) {
      throw new UserError(text.pictureTooLarge(formatBytes(attachment.size), formatBytes(limits.maxBytes)));
    }
    return await inTurn(async () => {
      const bytes = await fetchBytes(attachment.url, limits.maxBytes);
      const picture = await preparePicture(bytes, { ...limits, maxSide: option.maxSide });
      const path = join(await spool.folder(job, 'inputs'), `${name}${picture.extension}`);
      await writeFile(path, picture.bytes);
      const stem = basename(attachment.filename.toLowerCase())
        .replace(/\.[^.]*$/, '')
        .replaceAll(/[^a-z0-9_-]+/g, '_');
      return {
        name: `${stem.slice(0, 60) || name}${picture.extension}`,
        mediaType: picture.mediaType,
        path,
        size: picture.bytes.length,
      } satisfies StoredFile;
    });
  }

  /** Redirects are not followed, and the body is read no further than it may be long. */
  async function fetchBytes(url: string, maxBytes: number): Promise<Uint8Array> {
    try {
      const { statusCode, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(FETCH_MS) });
      if (statusCode !== 200) {
        // Not destroyed: undici then emits an error that nobody hears, which would end the process.
        await body.dump();
        throw new UserError(text.pictureNotFetched);
      }
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of body) {
        if (!Buffer.isBuffer(chunk)) continue;
        size += chunk.length;
        // Leaving the loop ends the connection.
        if (size > maxBytes) {
          throw new UserError(text.pictureTooLarge(`more than ${formatBytes(maxBytes)}`, formatBytes(maxBytes)));
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      log.warn({ error: cause }, 'Picture not fetched');
      throw new UserError(text.pictureNotFetched, { cause });
    }
  }

  async function readOption(job: string, name: string, option: Option, { values, resolved }: GivenOptions) {
    const value = values.get(name);
    if (value === undefined) {
      if (option.required) throw new UserError(text.missing);
      return undefined;
    }
    if (!isFileOption(option)) return checkValue(option, value);
    if (option.kind !== 'picture') throw new UserError('Such files are not taken yet.');
    return await readPicture(job, name, option, resolved?.attachments?.[String(value)]);
  }

  return {
    async read(job, recipe, given) {
      const read = await Promise.all(
        Object.entries(recipe.options).map(async ([name, option]) => {
          try {
            return { name, answer: await readOption(job, name, option, given), problems: [] };
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            return { name, problems: error.problems.map((problem) => text.optionProblem(name, problem)) };
          }
        }),
      );
      const problems = read.flatMap((option) => option.problems);
      if (problems.length > 0) throw new UserError(problems);
      return complete(recipe, Object.fromEntries(read.map(({ name, answer }) => [name, answer])), defaults);
    },
  };
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}
