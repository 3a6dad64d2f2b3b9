import type { Clock } from '../clock.ts';
import { hasEnded, type Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { Queue } from '../queue.ts';
import type { Recipe } from '../recipe.ts';
import { card } from './card.ts';
import type { Delivery } from './delivery.ts';
import { createProgressEdits } from './progress.ts';
import type { Reply } from './reply.ts';

interface FollowDependencies {
  queue: Queue;
  delivery: Delivery;
  backendName: string;
  clock: Clock;
  log: Logger;
}

/**
 * Stays with one job from its acceptance to its end: keeps its card up to date, and hands its result over.
 * @returns a function that ends when the person has been told how it ended, or cannot be told
 */
export function createFollower({ queue, delivery, backendName, clock, log }: FollowDependencies) {
  return async function follow(accepted: Job, recipe: Recipe, reply: Reply): Promise<void> {
    const { id } = accepted;
    let job = accepted;

    function render() {
      return card({ job, recipe, backend: backendName, ahead: queue.ahead(id) });
    }

    const edits = createProgressEdits({
      render,
      // A newer state comes anyway, and the result must not wait for the repeats of an old one.
      edit: (message) => reply.edit(message, 'once'),
      onError: (error) => log.warn({ job: id, error }, 'Card not updated'),
      clock,
    });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    function look(): void {
      job = queue.get(id) ?? job;
      if (job.state === 'delivering' || hasEnded(job)) resolve();
      else edits.touch();
    }
    const unwatch = queue.watch(id, look);
    look();
    await ended;
    unwatch();
    await edits.stop();
    job = queue.get(id) ?? job;
    if (job.state === 'delivering') {
      try {
        await delivery.deliverResult(job, recipe, reply);
        queue.delivered(id, 'done');
        return;
      } catch (error) {
        log.error({ job: id, error }, 'Result not delivered');
        queue.delivered(id, 'failed');
        job = queue.get(id) ?? job;
      }
    }
    await reply
      .deliver(render)
      .catch((error: unknown) => log.warn({ job: id, error }, 'The end of a job could not be told'));
  };
}
