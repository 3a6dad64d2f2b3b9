import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { PlaygroundEvent } from '../api.ts';
import type { Person } from './world.ts';

/** Server-sent events for the people who watch. */
export interface EventFeed {
  /** Takes over the response; `viewer` absent: only what is nobody's secret. */
  add(response: ServerResponse, viewer: Person | undefined): void;
  /** `seenBy` absent: everybody gets it. */
  send(make: () => PlaygroundEvent, seenBy?: (viewer: Person) => boolean): void;
  close(): void;
}

const PING_MS = 15_000;
// Somebody who reads slower than this many waiting bytes is cut off; a page connects again and reads everything anew.
const MOST_WAITING = 16 * 1024 * 1024;

export function createEventFeed(clock: Clock): EventFeed {
  const viewers = new Map<ServerResponse, Person | undefined>();
  let stopPing = clock.after(PING_MS, ping);

  function ping() {
    for (const response of viewers.keys()) response.write(':\n\n');
    stopPing = clock.after(PING_MS, ping);
  }

  return {
    add(response, viewer) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write('retry: 1000\n\n');
      viewers.set(response, viewer);
      response.on('close', () => viewers.delete(response));
    },
    send(make, seenBy) {
      let frame: string | undefined;
      for (const [response, viewer] of viewers) {
        if (seenBy && (!viewer || !seenBy(viewer))) continue;
        if (frame === undefined) {
          const event = make();
          frame = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
        }
        if (response.writableLength > MOST_WAITING) response.destroy();
        else response.write(frame);
      }
    },
    close() {
      stopPing();
      for (const response of viewers.keys()) response.end();
      viewers.clear();
    },
  };
}
