import type { APIAttachment, APIInteractionDataResolved } from 'discord-api-types/v10';
import { request, type Dispatcher } from 'undici';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { DefaultFiles } from '../recipes/answers.ts';
import { createFileKeeper, type FileLimits, type GivenFile } from '../recipes/given-files.ts';
import { createIntake } from '../recipes/intake.ts';
import type { FileOption, GivenAnswers, ParameterValue, Recipe } from '../recipes/recipe.ts';
import type { Spool } from '../storage/spool.ts';
import { text } from './text.ts';

/** Turns what a person gave with a command into answers: files are fetched, checked and copied. */
export interface Inputs {
  /**
   * Complete: defaults and a seed are in. Nothing is kept of the job where it throws.
   * @throws UserError with every problem of every option
   */
  read(job: string, recipe: Recipe, given: GivenOptions): Promise<GivenAnswers>;
  /** By what Discord tells of a file, before anybody fetches it. @throws UserError */
  checkAttached(option: FileOption, attachment: APIAttachment | undefined): void;
}

export interface GivenOptions {
  readonly values: ReadonlyMap<string, ParameterValue>;
  readonly resolved: APIInteractionDataResolved | undefined;
  /** the files that stand for options with a default, where they are others than now */
  readonly defaults?: DefaultFiles;
}

/** Where Discord keeps what was attached. Anything else would let a forged message make the bot fetch for others. */
const DISCORD_CDN = ['https://cdn.discordapp.com', 'https://media.discordapp.net'];

/** From the first word to the last byte. A film may take longer, and there are 15 min to tell what is wrong with it. */
const PICTURE_MS = 60_000;
const MEDIA_MS = 5 * 60_000;
/** Without a byte. */
const SILENT_MS = 30_000;

interface InputsDependencies {
  spool: Spool;
  limits: FileLimits;
  /** origins to fetch from beside Discord's: the playground's */
  extraOrigins: readonly string[];
  defaults: DefaultFiles;
  dispatcher: Dispatcher;
  log: Logger;
}

export function createInputs({ spool, limits, extraOrigins, defaults, dispatcher, log }: InputsDependencies): Inputs {
  const origins = new Set([...DISCORD_CDN, ...extraOrigins]);
  const keeper = createFileKeeper(limits);
  const intake = createIntake({ keeper, tell: text.optionProblem });

  function attached(attachment: APIAttachment | undefined, { kind }: FileOption): GivenFile {
    if (!attachment || !origins.has(originOf(attachment.url))) throw new UserError(text.fileFromElsewhere);
    const { filename: name, url, size } = attachment;
    return {
      name,
      size,
      open: () => fetchBytes(url, size, kind === 'video' || kind === 'audio' ? MEDIA_MS : PICTURE_MS),
    };
  }

  /** Redirects are not followed. */
  async function* fetchBytes(url: string, size: number, ms: number): AsyncGenerator<Uint8Array> {
    try {
      const { statusCode, body } = await request(url, {
        dispatcher,
        signal: AbortSignal.timeout(ms),
        headersTimeout: SILENT_MS,
        bodyTimeout: SILENT_MS,
      });
      if (statusCode !== 200) {
        // Not destroyed: undici then emits an error that nobody hears, which would end the process.
        await body.dump();
        throw new Error(`Discord answered ${statusCode}`);
      }
      let got = 0;
      // Whoever leaves this loop ends the connection.
      for await (const chunk of body) {
        if (!Buffer.isBuffer(chunk)) continue;
        got += chunk.length;
        yield chunk;
      }
      if (got < size) throw new Error(`${got} bytes came of ${size}`);
    } catch (cause) {
      log.warn({ error: cause }, 'File not fetched');
      throw new UserError(text.fileNotFetched, { cause });
    }
  }

  return {
    checkAttached(option, attachment) {
      keeper.checkSize(attached(attachment, option).size ?? 0, option);
    },
    async read(job, recipe, { values, resolved, defaults: earlier }) {
      const given = {
        values,
        defaults: earlier ?? defaults,
        fileOf(name: string, option: FileOption) {
          const id = values.get(name);
          return id === undefined ? undefined : attached(resolved?.attachments?.[String(id)], option);
        },
      };
      try {
        return await intake.read(recipe, given, () => spool.folder(job, 'inputs'));
      } catch (error) {
        await spool.remove(job);
        throw error;
      }
    },
  };
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}
