/** A process of its own that is Discord, and keeps what it is sent: its memory is not the bot's. */
import { createLocalDiscord } from '../../src/playground/discord/server.ts';

const record = process.argv[2];
const discord = await createLocalDiscord({ ...(record !== undefined && { record }) });
process.on('disconnect', () => process.exit());
process.send?.({ url: discord.url, api: discord.api, token: discord.token });
