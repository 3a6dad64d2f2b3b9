import { basename, join } from 'node:path';
import type { APIMessageComponentInteraction } from 'discord-api-types/v10';
import type { Clock } from '../clock.ts';
import { UserError } from '../errors.ts';
import type { Gate } from '../gate.ts';
import type { Job } from '../jobs/job.ts';
import type { Queue } from '../jobs/queue.ts';
import type { Logger } from '../log.ts';
import type { GivenAnswers, Recipe } from '../recipes/recipe.ts';
import type { Spool } from '../storage/spool.ts';
import type { Accept } from './accept.ts';
import type { Arrivals } from './arrivals.ts';
import { barredFrom } from './bar.ts';
import { card, notice, problemNotice } from './card.ts';
import type { Pressed } from './custom-id.ts';
import type { Delivery } from './delivery.ts';
import { DiscordError } from './discord-error.ts';
import type { Follower } from './follow.ts';
import { callOf, isPrivate, mayModerate, placeOf, userOf } from './interaction.ts';
import { canRunAgain, hasResult } from './job-result.ts';
import { canSqueeze } from './pages.ts';
import type { Call, OutgoingMessage, Port, Visibility } from './port.ts';
import { beginNote, readNote } from './reply-note.ts';
import { text } from './text.ts';

/** Answers the buttons of a job's messages, whichever process put them there. */
export interface Buttons {
  press(interaction: APIMessageComponentInteraction, pressed: Pressed): Promise<void>;
  /** A job of the person's own, in a message that only they see. */
  show(interaction: APIMessageComponentInteraction, job: string): Promise<void>;
}

interface ButtonsDependencies {
  recipes: ReadonlyMap<string, Recipe>;
  queue: Pick<Queue, 'get' | 'view' | 'cancel'>;
  delivery: Pick<Delivery, 'resultPage' | 'filesPage' | 'originalsPage'>;
  follower: Pick<Follower, 'renew'>;
  accept: Accept;
  arrivals: Arrivals;
  port: Port;
  spool: Pick<Spool, 'folder' | 'copyInputs'>;
  /** lets an upload begin */
  inTurn: Gate;
  backendName: string;
  clock: Clock;
  log: Logger;
}

export function createButtons(dependencies: ButtonsDependencies): Buttons {
  const { recipes, queue, delivery, follower, accept, arrivals, port, spool, inTurn, backendName, clock, log } =
    dependencies;
  /** jobs that are being run again this moment */
  const starting = new Set<string>();

  /** Answers with what takes a while to make. */
  async function thinking(
    interaction: APIMessageComponentInteraction,
    visibility: Visibility,
    answer: () => Promise<void>,
  ): Promise<void> {
    const note = beginNote({ ...placeOf(interaction), visibility, now: clock.now() });
    await arrivals.begin(note);
    try {
      await answer();
      arrivals.remove(note);
    } catch (error) {
      void arrivals.tell([note], text.notAnswered);
      throw error;
    }
  }

  /** Files as an answer, with less where Discord finds it too much. @param page makes it, `squeezed` so many times */
  async function showFiles(call: Call, job: Job, page: (squeezed: number) => Promise<OutgoingMessage>): Promise<void> {
    for (let squeezed = 0; ; squeezed += 1) {
      try {
        await inTurn(async () => port.editReply(call, await page(squeezed)));
        return;
      } catch (error) {
        if (error instanceof DiscordError) {
          if (error.isAboutFiles && canSqueeze(squeezed)) continue;
          throw error;
        }
        if (!(error instanceof UserError)) log.error({ job: job.id, error }, 'Files not shown');
        await port.editReply(call, problemNotice(error instanceof UserError ? error.message : text.filesGone));
        return;
      }
    }
  }

  async function cancel(interaction: APIMessageComponentInteraction, job: Job): Promise<void> {
    const call = callOf(interaction);
    if (userOf(interaction) !== job.user && !mayModerate(interaction)) {
      return await port.answer(call, notice(text.notYours), 'private');
    }
    // The card itself shows what became of it.
    if (await queue.cancel(job.id)) return await port.deferUpdate(call);
    return await port.answer(call, notice(text.endedAlready), 'private');
  }

  /** A press by anybody who sees the card is a fresh token for it. */
  async function renew(interaction: APIMessageComponentInteraction, job: Job): Promise<void> {
    const { call, fileLimit } = placeOf(interaction);
    const now = clock.now();
    await port.deferUpdate(call);
    if (await follower.renew(job.id, { call, fileLimit, message: interaction.message.id, now })) return;
    await showJob(call, job.id, fileLimit);
  }

  async function showJob(call: Call, id: string, fileLimit: number): Promise<void> {
    const view = await queue.view(id);
    if (!view) return void (await port.editReply(call, notice(text.jobGone)));
    const { job } = view;
    if (hasResult(job)) {
      return await showFiles(call, job, (squeezed) => delivery.resultPage(job, 0, fileLimit, squeezed));
    }
    await port.editReply(call, card({ ...view, backend: backendName }));
  }

  async function runAgain(interaction: APIMessageComponentInteraction, job: Job): Promise<void> {
    const call = callOf(interaction);
    if (userOf(interaction) !== job.user) return await port.answer(call, notice(text.notYoursAgain), 'private');
    if (job.again !== undefined || starting.has(job.id)) {
      return await port.answer(call, notice(text.againAlready), 'private');
    }
    if (!canRunAgain(job)) return await port.answer(call, notice(text.notAgain), 'private');
    // Who may use it can have been decided anew since then.
    const barred = barredFrom(recipes.get(job.recipe.name) ?? job.recipe, interaction);
    if (barred !== undefined) return await port.answer(call, notice(barred), 'private');
    starting.add(job.id);
    try {
      await accept(interaction, {
        recipe: job.recipe,
        visibility: readNote(job.note, job.user).visibility,
        answersFor: (id) => copyAnswers(job, id),
        againOf: job,
      });
    } finally {
      starting.delete(job.id);
    }
  }

  /** The same answers for another job; pictures that belong to the recipe stay where they are. */
  async function copyAnswers(job: Job, id: string): Promise<GivenAnswers> {
    const from = await spool.folder(job.id, 'inputs');
    const to = await spool.copyInputs(job.id, id);
    return Object.fromEntries(
      Object.entries(job.answers).map(([name, answer]) => {
        const isCopied = typeof answer === 'object' && answer.path === join(from, basename(answer.path));
        return [name, isCopied ? { ...answer, path: join(to, basename(answer.path)) } : answer];
      }),
    );
  }

  async function showMore(interaction: APIMessageComponentInteraction, pressed: Pressed, job: Job): Promise<void> {
    const { call, fileLimit } = placeOf(interaction);
    const { action, from, bytes } = pressed;
    // More of the result goes to those who saw its beginning, when its owner asks for it.
    const isPublic = action === 'next' && userOf(interaction) === job.user && !isPrivate(interaction);
    await thinking(interaction, isPublic ? 'public' : 'private', () =>
      showFiles(call, job, (squeezed) => {
        if (action === 'next') return delivery.resultPage(job, from, fileLimit, squeezed);
        if (action === 'files') return delivery.filesPage(job, from, fileLimit, squeezed);
        return delivery.originalsPage(job, from, bytes, fileLimit);
      }),
    );
  }

  return {
    async press(interaction, pressed) {
      const job = await queue.get(pressed.job);
      if (!job) return await port.answer(callOf(interaction), notice(text.unknownButton), 'private');
      switch (pressed.action) {
        case 'cancel':
          return await cancel(interaction, job);
        case 'show':
          return await renew(interaction, job);
        case 'again':
          return await runAgain(interaction, job);
        case 'next':
        case 'files':
        case 'original':
          return await showMore(interaction, pressed, job);
      }
    },
    async show(interaction, id) {
      const { call, user, fileLimit } = placeOf(interaction);
      const job = await queue.get(id);
      if (job?.user !== user) return await port.answer(call, notice(text.jobGone), 'private');
      await thinking(interaction, 'private', () => showJob(call, id, fileLimit));
    },
  };
}
