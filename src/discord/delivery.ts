import type { Logger } from '../log.ts';
import type { Job } from '../job.ts';
import { fitPicture } from '../pictures/fit.ts';
import { stripPngText } from '../pictures/png-text.ts';
import { formatBytes } from '../pictures/sizes.ts';
import { sortOutputs, type StoredFile } from '../recipe.ts';
import type { Spool } from '../spool.ts';
import { filesMessage, resultCard } from './card.ts';
import type { OutgoingFile, OutgoingMessage } from './port.ts';
import type { Reply } from './reply.ts';
import { text } from './text.ts';

/** Gets the files of a job to a person: made to fit, put into as many messages as it takes. */
export interface Delivery {
  /** The result, into the reply. */
  deliverResult(job: Job, reply: Reply): Promise<void>;
  /** The messages that hold a job's other files, in order. @param fileLimit bytes */
  otherFiles(job: Job, fileLimit: number): Promise<OutgoingMessage[]>;
}

/** resources/message.mdx: ten files a message, and 25 MiB a request; the rest of the request is far below 64 KiB. */
const FILES_A_MESSAGE = 10;
const BYTES_A_REQUEST = 25 * 1024 * 1024 - 64 * 1024;

interface DeliveryDependencies {
  spool: Spool;
  /** what people read as the backend's name */
  backendName: string;
  log: Logger;
}

interface Prepared {
  readonly files: readonly (OutgoingFile & { readonly size: number })[];
  readonly notes: readonly string[];
}

export function createDelivery({ spool, backendName, log }: DeliveryDependencies): Delivery {
  async function prepare(job: Job, files: readonly StoredFile[], fileLimit: number): Promise<Prepared> {
    const folder = await spool.folder(job.id, 'results');
    const limit = Math.min(fileLimit, BYTES_A_REQUEST);
    const ready: Prepared['files'][number][] = [];
    const notes: string[] = [];
    for (const file of files) {
      if (file.mediaType === 'image/png') await stripPngText(file.path);
      const fitted = await fitPicture(file.path, limit, folder);
      if (fitted === 'too-large') {
        log.warn({ job: job.id, file: file.name, size: file.size, limit }, 'File too large for Discord');
        notes.push(`-# ${text.tooLarge(file.name, formatBytes(file.size))}`);
        continue;
      }
      const { path, mediaType, size, extension, note } = fitted;
      const name = attachmentName(file.name, extension, ready);
      ready.push({ name, path, mediaType, size, description: file.name });
      if (note) notes.push(text.note(file.name, note));
    }
    return { files: ready, notes };
  }

  return {
    async deliverResult(job, reply) {
      const { main, extra } = sortOutputs(job.recipe, job.files);
      const { files, notes } = await prepare(job, main, reply.fileLimit());
      const [first = [], ...further] = pack(files);
      await reply.deliver((isNew) =>
        resultCard({
          job,
          backend: backendName,
          files: first,
          notes,
          extras: extra.length,
          mention: isNew ? job.user : undefined,
        }),
      );
      for (const [index, part] of further.entries()) {
        // What has arrived stays as it is: telling a failure in its place would take it away.
        await reply
          .add(filesMessage(part, []), `${job.id}-${index}`)
          .catch((error: unknown) => log.error({ job: job.id, index, error }, 'A part of the result not delivered'));
      }
    },
    async otherFiles(job, fileLimit) {
      const { files, notes } = await prepare(job, sortOutputs(job.recipe, job.files).extra, fileLimit);
      const parts = pack(files);
      return parts.length === 0
        ? [filesMessage([], notes)]
        : parts.map((part, index) => filesMessage(part, index ? [] : notes));
    },
  };
}

/** In order, each message as full as ten files and one request allow. */
function pack<F extends { readonly size: number }>(files: readonly F[]): F[][] {
  const parts: F[][] = [];
  let room = 0;
  for (const file of files) {
    const part = parts.at(-1);
    if (part && part.length < FILES_A_MESSAGE && file.size <= room) {
      part.push(file);
      room -= file.size;
    } else {
      parts.push([file]);
      room = BYTES_A_REQUEST - file.size;
    }
  }
  return parts;
}

/** Discord changes other characters, and `attachment://` finds only the first file of a name. */
function attachmentName(name: string, extension: string, taken: readonly { readonly name: string }[]): string {
  const stem = name
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_');
  const wanted = `${stem || 'file'}${extension}`;
  return taken.some((file) => file.name === wanted) ? `${taken.length + 1}-${wanted}` : wanted;
}
