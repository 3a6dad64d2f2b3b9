import type { Clock } from '../clock.ts';
import { UserError } from '../errors.ts';
import type { Job } from '../jobs/job.ts';
import type { Admission, Queue, Refusal } from '../jobs/queue.ts';
import type { Logger } from '../log.ts';
import type { GivenAnswers, Recipe } from '../recipes/recipe.ts';
import type { Spool } from '../storage/spool.ts';
import type { Arrivals } from './arrivals.ts';
import { placeOf, type Asked } from './interaction.ts';
import type { Port, Visibility } from './port.ts';
import { beginNote, type ReplyNote, type Typed } from './reply-note.ts';
import { text } from './text.ts';
import { giveBack } from './words-back.ts';

/** What is asked for, in a command, by a button or with a form. */
interface Wish {
  /** the job's, where it is decided already */
  readonly id?: string;
  readonly recipe: Recipe;
  readonly visibility: Visibility;
  /** Makes the answers of a job, its pictures in its folder. @throws UserError with what is wrong */
  readonly answersFor: (job: string) => Promise<GivenAnswers>;
  /** the job that it is another run of */
  readonly againOf?: Job;
  /** given back where no job comes of it */
  readonly typed?: Typed;
}

/** Answers with a card and puts a job in line, or says why not. Answers whether there is a job. */
export type Accept = (interaction: Asked, wish: Wish) => Promise<boolean>;

/** Why a person may not have another job now. */
export async function refusalOf(queue: Pick<Queue, 'unfinishedOf'>, user: string, refusal: Refusal): Promise<string> {
  if (refusal.refused === 'full') return text.overLimit(await queue.unfinishedOf(user), refusal.checking);
  return refusal.refused === 'disk' ? text.noRoom : text.closing;
}

interface AcceptDependencies {
  queue: Queue;
  arrivals: Arrivals;
  follow: (job: Job) => void;
  port: Port;
  spool: Spool;
  clock: Clock;
  log: Logger;
}

export function createAccept({ queue, arrivals, follow, port, spool, clock, log }: AcceptDependencies): Accept {
  async function enter(arrival: ReplyNote, wish: Wish, admission: Admission): Promise<boolean> {
    const { id = spool.newJobId(), recipe, answersFor, againOf } = wish;
    const { typed: _, ...note } = arrival;
    const { user } = note;
    let job: Job;
    try {
      const answers = await answersFor(id);
      job = await admission.enter({ id, recipe, user, answers, note: JSON.stringify(note) }, againOf);
    } catch (error) {
      if (!(error instanceof UserError)) log.error({ job: id, error }, 'Answers not read');
      const sentence = error instanceof UserError ? text.problems(error.problems) : text.ourFault;
      void arrivals.tell([arrival], sentence);
      await spool.remove(id);
      return false;
    }
    // The card is the job's from here on.
    arrivals.remove(note);
    follow(job);
    return true;
  }

  return async function accept(interaction, wish) {
    const { visibility, typed } = wish;
    const place = placeOf(interaction);
    const admission = await queue.admit(place.user);
    if ('refused' in admission) {
      const sentence = await refusalOf(queue, place.user, admission);
      await giveBack(port, {
        call: place.call,
        sentence,
        typed,
        visibility: 'private',
      });
      return false;
    }
    try {
      const note = beginNote({ ...place, visibility, ...(typed && { typed }), now: clock.now() });
      // Before anything else that waits: there are 3 s.
      const message = await arrivals.begin(note);
      return await enter({ ...note, ...(message !== undefined && { message }) }, wish, admission);
    } finally {
      admission.leave();
    }
  };
}
