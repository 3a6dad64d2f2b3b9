import { basename } from 'node:path';
import type { Job } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { formatBytes } from '../pictures/sizes.ts';
import { sortOutputs, type StoredFile } from '../recipes/recipe.ts';
import { HOW_TO_JOIN } from '../storage/split.ts';
import { filesMessage, MOST_WORDS, notice, resultCard, resultRoom } from './card.ts';
import { button } from './components.ts';
import { DiscordError } from './discord-error.ts';
import { shownName } from './file-names.ts';
import { canSqueeze, pageLimits, pieceFiles, type Page, type PageLimits, type Pages } from './pages.ts';
import type { OutgoingMessage } from './port.ts';
import type { Rendered, Reply, Target } from './reply.ts';
import { text } from './text.ts';

/** Gets the files of a job to a person. */
export interface Delivery {
  /**
   * Brings what has not arrived yet of the result, each message once.
   * @throws DiscordError when Discord did not take something, which is to be tried again
   */
  deliverResult(job: Job, reply: Reply, signal: AbortSignal): Promise<void>;
  /**
   * The result as an answer to a button or a select, from a file on, with a button to what comes after it.
   * @param squeezed how often Discord has refused more
   */
  resultPage(job: Job, from: number, fileLimit: number, squeezed: number): Promise<OutgoingMessage>;
  /** The other files, in the same way. */
  filesPage(job: Job, from: number, fileLimit: number, squeezed: number): Promise<OutgoingMessage>;
  /** What was made smaller, as it is. @param shownLimit how large a file could be where it was shown, bytes */
  originalsPage(job: Job, from: number, shownLimit: number, fileLimit: number): Promise<OutgoingMessage>;
}

interface DeliveryDependencies {
  pages: Pages;
  /** what people read as the backend's name, of a job that has none yet */
  backendName: string;
  /** where the folder of the results can be fetched from */
  publicUrl?: string | undefined;
  log: Logger;
}

export function createDelivery({ pages, backendName, publicUrl, log }: DeliveryDependencies): Delivery {
  function originals(job: Job, { hasOriginals }: Page, { file }: PageLimits) {
    return hasOriginals && button(text.originals, 'original', job.id, { bytes: file });
  }

  function next(job: Job, to: number, main: readonly StoredFile[]) {
    return to < main.length && button(text.nextOfResult(main.slice(to)), 'next', job.id, { from: to });
  }

  /** The first message: the card with the result. */
  async function firstPart(
    job: Job,
    limits: PageLimits,
    { mention, showsNext }: { mention?: string | undefined; showsNext: boolean },
  ): Promise<Rendered> {
    const { main, extra } = sortOutputs(job.recipe, job.files);
    const page = await pages.page(job, main, 0, limits, resultRoom(job, backendName));
    const { to } = page;
    const message = resultCard({
      job,
      backend: backendName,
      page,
      mention,
      buttons: [
        showsNext && next(job, to, main),
        extra.length > 0 && button(text.otherFiles(extra.length), 'files', job.id),
        originals(job, page, limits),
      ],
    });
    return { message, to };
  }

  async function furtherPart(job: Job, from: number, limits: PageLimits, showsNext: boolean): Promise<Rendered> {
    const { main } = sortOutputs(job.recipe, job.files);
    const page = await pages.page(job, main, from, limits, MOST_WORDS);
    const pressed = [showsNext && next(job, page.to, main), originals(job, page, limits)];
    return { message: filesMessage(page, pressed), to: page.to };
  }

  /** Tries with less where Discord finds it too much. */
  async function squeezing(job: Job, reply: Reply, work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const { squeezed } = reply.note();
        if (!(error instanceof DiscordError) || !error.isAboutFiles || !canSqueeze(squeezed)) throw error;
        log.warn({ job: job.id, squeezed, code: error.code }, 'Discord finds the files too large or too many');
        await reply.update({ squeezed: squeezed + 1 });
      }
    }
  }

  async function addRest(job: Job, count: number, reply: Reply, signal: AbortSignal): Promise<void> {
    const limitsOf = ({ fileLimit }: Target) => pageLimits(fileLimit, reply.note().squeezed);
    for (;;) {
      const { parts } = reply.note();
      const from = parts.at(-1)?.to ?? 0;
      if (from >= count) return;
      if (reply.canAdd()) {
        try {
          await squeezing(job, reply, () =>
            reply.add((target) => furtherPart(job, from, limitsOf(target), false), signal),
          );
          continue;
        } catch (error) {
          if (!(error instanceof DiscordError) || error.kind === 'unavailable') throw error;
        }
      }
      // What does not come by itself is asked for by a button on what came last.
      const last = parts.length - 1;
      const begin = parts[last - 1]?.to ?? 0;
      return await reply.redo(
        last,
        (target) =>
          last === 0
            ? firstPart(job, limitsOf(target), { mention: target.isNew ? job.user : undefined, showsNext: true })
            : furtherPart(job, begin, limitsOf(target), true),
        signal,
      );
    }
  }

  return {
    async deliverResult(job, reply, signal) {
      const { main } = sortOutputs(job.recipe, job.files);
      if (reply.note().parts.length === 0) {
        await squeezing(job, reply, () =>
          reply.deliver(
            ({ way, fileLimit, isNew }) =>
              firstPart(job, pageLimits(fileLimit, reply.note().squeezed), {
                mention: isNew ? job.user : undefined,
                showsNext: way !== 'direct' && !reply.canAdd(),
              }),
            signal,
          ),
        );
        const [part] = reply.note().parts;
        // It had its button from the first.
        if (part && part.to < main.length && !reply.canAdd()) return;
      }
      await addRest(job, main.length, reply, signal).catch((error: unknown) => {
        // What has arrived stays as it is, and what is left is behind `/jobs`.
        if (!(error instanceof DiscordError) || error.kind === 'unavailable') throw error;
        log.error({ job: job.id, error }, 'A part of the result not delivered');
      });
    },
    async resultPage(job, from, fileLimit, squeezed) {
      const limits = pageLimits(fileLimit, squeezed);
      const { message } =
        from === 0 ? await firstPart(job, limits, { showsNext: true }) : await furtherPart(job, from, limits, true);
      return message;
    },
    async filesPage(job, from, fileLimit, squeezed) {
      const { extra } = sortOutputs(job.recipe, job.files);
      const limits = pageLimits(fileLimit, squeezed);
      const page = await pages.page(job, extra, from, limits, MOST_WORDS);
      const rest = extra.length - page.to;
      return filesMessage(page, [
        rest > 0 && button(text.nextFiles(rest), 'files', job.id, { from: page.to }),
        originals(job, page, limits),
      ]);
    },
    async originalsPage(job, from, shownLimit, fileLimit) {
      if (publicUrl !== undefined) {
        const files = await pages.originals(job, shownLimit);
        if (files.length === 0) return notice(text.noOriginals);
        const links = files.map(({ path }) =>
          text.link(shownName(basename(path)), `${publicUrl}/${job.id}/${encodeURIComponent(basename(path))}`),
        );
        return notice(text.originalLinks(links));
      }
      const whole = await pages.pieces(job, shownLimit, fileLimit);
      const pieces = whole.flat();
      if (pieces.length === 0) return notice(text.noOriginals);
      const { files, to } = pieceFiles(pieces, from);
      const size = formatBytes(pieces.reduce((sum, piece) => sum + piece.size, 0));
      const areSplit = pieces.length > whole.length;
      const words = text.originalFiles(whole.length, pieces.length, size);
      const notes = [`-# ${words}`, ...(areSplit ? [`-# ${HOW_TO_JOIN}`] : [])];
      const rest = pieces.length - to;
      return filesMessage({ files, texts: [], notes: from === 0 ? notes : [] }, [
        rest > 0 && button(text.nextFiles(rest), 'original', job.id, { from: to, bytes: shownLimit }),
      ]);
    },
  };
}
