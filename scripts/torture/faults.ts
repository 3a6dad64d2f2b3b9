import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { Sight } from './sight.ts';

/** Everything about messages and answers; the rest of Discord stays well. */
const ROUTES = /^(?:GET|POST|PATCH) \/(?:webhooks|interactions|channels|users)\//;

/** Switches Discord's faults on, one after the other, a few requests each, until the signal is aborted. */
export async function troubleDiscord(
  sight: Sight,
  routes: readonly string[],
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const [first, ...others] = routes.filter((route) => ROUTES.test(route));
  if (first === undefined) throw new Error('This Discord has no messages');
  while (!signal.aborted) {
    // What can be sent again without harm is hit more often than what waits for minutes.
    const kind = random.weighted({ cut: 4, reset: 3, '502': 4, '429': 3, 'lost-answer': 6, stall: 1 });
    await sight.setFault({ route: random.pick([first, ...others]), kind, times: random.whole(1, 3) });
    await pause(random.whole(100, 700), undefined, { signal }).catch(() => {});
  }
  await sight.clearFaults();
}
