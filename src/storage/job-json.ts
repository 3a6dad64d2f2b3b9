import { isAbsolute, relative, resolve } from 'node:path';
import { z } from 'zod';
import { BACKEND_ERROR_TYPES } from '../errors.ts';
import type { Failure, Job } from '../jobs/job.ts';
import type { GivenAnswers, StoredFile } from '../recipes/recipe.ts';

/** What of a job and of a form is kept as JSON: all that no question asks for. */

const Stored = z.object({
  name: z.string(),
  mediaType: z.string(),
  path: z.string(),
  size: z.number(),
  node: z.string().exactOptional(),
});
const Fault = z.object({
  type: z.enum(BACKEND_ERROR_TYPES),
  billed: z.enum(['no', 'maybe']),
  detail: z.string().exactOptional(),
  parameters: z.array(z.string()),
});
const StoredFailure = z.union([
  z.object({ by: z.literal('backend'), fault: Fault }),
  z.object({ by: z.enum(['delivery', 'disk', 'us']) }),
]) satisfies z.ZodType<Failure>;
const Facts = z.object({
  answers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), Stored])),
  acceptedAt: z.number(),
  startedAt: z.number().exactOptional(),
  signAt: z.number().exactOptional(),
  endedAt: z.number().exactOptional(),
  backend: z.string().exactOptional(),
  canStop: z.boolean().exactOptional(),
  handleFirst: z.boolean().exactOptional(),
  handle: z.string().exactOptional(),
  warnings: z.array(z.string()),
  files: z.array(Stored),
  failure: StoredFailure.exactOptional(),
  again: z.string().exactOptional(),
});

/** @param directory paths below it are kept relative to it, so that it can be moved */
export function factsOf(job: Job, directory: string): string {
  const {
    answers,
    acceptedAt,
    startedAt,
    signAt,
    endedAt,
    backend,
    canStop,
    handleFirst,
    handle,
    warnings,
    files,
    failure,
    again,
  } = job;
  return JSON.stringify({
    answers: withFiles(answers, (file) => fromThere(file, directory)),
    acceptedAt,
    startedAt,
    signAt,
    endedAt,
    backend,
    canStop,
    handleFirst,
    handle,
    warnings,
    failure,
    again,
    files: files.map((file) => fromThere(file, directory)),
  });
}

/** @throws ZodError when it is not what `factsOf` gave */
export function readFacts(json: string, directory: string) {
  const { answers, files, ...facts } = Facts.parse(JSON.parse(json));
  return {
    ...facts,
    answers: withFiles(answers, (file) => fromHere(file, directory)),
    files: files.map((file) => fromHere(file, directory)),
  };
}

const StoredFiles = z.array(z.tuple([z.string(), Stored]));

/** The same for files that have keys. */
export function storedFilesOf(files: ReadonlyMap<string, StoredFile>, directory: string): string {
  return JSON.stringify([...files].map(([key, file]) => [key, fromThere(file, directory)]));
}

/** @throws ZodError when it is not what `storedFilesOf` gave */
export function readStoredFiles(json: string, directory: string): ReadonlyMap<string, StoredFile> {
  const files = StoredFiles.parse(JSON.parse(json));
  return new Map(files.map(([key, file]) => [key, fromHere(file, directory)]));
}

/** The answers with each of their files changed. */
function withFiles(answers: GivenAnswers, change: (file: StoredFile) => StoredFile): GivenAnswers {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, typeof answer === 'object' ? change(answer) : answer]),
  );
}

function fromThere(file: StoredFile, directory: string): StoredFile {
  const path = relative(directory, file.path);
  return path.startsWith('..') || isAbsolute(path) ? file : { ...file, path };
}

function fromHere(file: StoredFile, directory: string): StoredFile {
  return { ...file, path: resolve(directory, file.path) };
}
