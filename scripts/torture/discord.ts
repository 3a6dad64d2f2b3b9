/** A process of its own that is Discord: it outlives every bot. */
import { createLocalDiscord } from '../../src/playground/discord/server.ts';
import type { DiscordPlace } from './messages.ts';

const record = process.argv[2];
const { url, api, token, botRoutes } = await createLocalDiscord(record === undefined ? {} : { record });
process.on('disconnect', () => process.exit());
// Ctrl-C is for the parent, which still needs this one to end well.
process.on('SIGINT', () => {});
process.send?.({ url, api, token, routes: [...botRoutes] } satisfies DiscordPlace);
