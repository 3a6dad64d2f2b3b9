import type { Clock } from '../clock.ts';
import { hasEnded, type Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { JobView, Queue } from '../queue.ts';
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
  return async function follow(accepted: Job, reply: Reply): Promise<void> {
    const { id } = accepted;
    let view: JobView = (await queue.view(id)) ?? { job: accepted };

    function render() {
      return card({ ...view, backend: backendName });
    }

    const edits = createProgressEdits({
      render,
      // A newer state comes anyway, and the result must not wait for the repeats of an old one.
      edit: (message) => reply.edit(message, 'once'),
      onError: (error) => log.warn({ job: id, error }, 'Card not updated'),
      clock,
    });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    function look(now: JobView): void {
      view = now;
      if (now.job.state === 'delivering' || hasEnded(now.job)) resolve();
      else edits.touch();
    }
    const unwatch = queue.watch(id, look);
    look((await queue.view(id)) ?? view);
    await ended;
    unwatch();
    await edits.stop();
    view = (await queue.view(id)) ?? view;
    if (view.job.state === 'delivering') {
      try {
        await delivery.deliverResult(view.job, reply);
        await queue.delivered(id, 'done');
        await queue.told(id);
        return;
      } catch (error) {
        log.error({ job: id, error }, 'Result not delivered');
        await queue.delivered(id, 'failed');
        view = (await queue.view(id)) ?? view;
      }
    }
    await reply
      .deliver(render)
      .catch((error: unknown) => log.warn({ job: id, error }, 'The end of a job could not be told'));
    await queue.told(id);
  };
}
