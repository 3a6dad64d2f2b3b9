import { DiscordAPIError, HTTPError, RateLimitError, REST } from 'discord.js';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BackendError } from '../src/errors.ts';
import { createLogger, type Logger } from '../src/log.ts';

const INTERACTION_TOKEN = 'aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OnNlY3JldA';
const BOT_TOKEN = `${Buffer.from('123456789012345678').toString('base64url')}.GaBcDe.${'s3cr3t-'.repeat(5)}`;
const ADDRESS = `https://discord.com/api/v10/webhooks/123456789012345678/${INTERACTION_TOKEN}/messages/@original`;
const BODY = { files: [{ name: 'a.png', data: Buffer.from('picture bytes') }], json: { content: 'their prompt' } };
const SECRETS = [INTERACTION_TOKEN, BOT_TOKEN, 'their prompt', 'picture bytes'];

const Line = z.object({ job: z.string().optional(), error: z.unknown().optional() });

/** What is written for one call, which must be a line of JSON without any of the secrets. */
function logged(write: (log: Logger) => void) {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => void lines.push(line) }));
  expect(lines).toHaveLength(1);
  for (const secret of SECRETS) expect(lines[0]).not.toContain(secret);
  return Line.parse(JSON.parse(lines[0] ?? ''));
}

const refused = new DiscordAPIError(
  { code: 50_035, message: `Invalid Form Body at ${ADDRESS}` },
  50_035,
  400,
  'PATCH',
  ADDRESS,
  BODY,
);
const limited = new RateLimitError({
  global: false,
  hash: 'hash',
  limit: 5,
  majorParameter: `123456789012345678/${INTERACTION_TOKEN}`,
  method: 'PATCH',
  retryAfter: 1,
  route: '/webhooks/123456789012345678/:token/messages/@original',
  scope: 'user',
  sublimitTimeout: 0,
  timeToReset: 1,
  url: ADDRESS,
});
const cause = refused;

describe('the log', () => {
  it.each([
    ['refusal', refused],
    ['broken answer', new HTTPError(502, 'Bad Gateway', 'PATCH', ADDRESS, BODY)],
    ['rate limit', limited],
    ['error that a refusal caused', new BackendError('It was cut', { type: 'cut', cause })],
    ['thrown text', `PATCH ${ADDRESS} as Bot ${BOT_TOKEN}`],
    ['thrown object', { url: ADDRESS, requestBody: BODY }],
  ])('of a %s has neither tokens nor what people sent', (_what, error) => {
    expect(logged((log) => log.error({ error }, 'Failed'))).toHaveProperty('error');
    expect(logged((log) => log.child({ job: 'one' }).error({ error }, 'Failed'))).toHaveProperty('job', 'one');
  });

  it('has none of them either when an error is given alone, or a token in a message or a field', () => {
    expect(logged((log) => log.error(refused)).error).toMatchObject({ code: 50_035 });
    logged((log) => log.warn({ warning: `No answer to ${ADDRESS}` }, 'Discord client warning'));
    logged((log) => log.info(`Bot ${BOT_TOKEN}`));
    logged((log) => log.info({ discord: { token: 'their prompt' }, headers: { authorization: 'their prompt' } }));
  });

  it('keeps what is needed to find the fault of a request that got nowhere', async () => {
    const headers = { authorization: `Bot ${BOT_TOKEN}\n` };
    const unsent: unknown = await request(ADDRESS, { headers }).catch((error: unknown) => error);
    expect(logged((log) => log.error({ error: unsent }, 'Failed')).error).toMatchObject({
      type: 'InvalidArgumentError',
      code: 'UND_ERR_INVALID_ARG',
    });
    const rest = new REST({ api: 'http://127.0.0.1:9/api', retries: 0 }).setToken(BOT_TOKEN);
    const route = `/webhooks/123456789012345678/${INTERACTION_TOKEN}` as const;
    const unheard: unknown = await rest.post(route, { body: BODY.json }).catch((error: unknown) => error);
    rest.clearHashSweeper();
    rest.clearHandlerSweeper();
    const told = { code: 'ECONNREFUSED', stack: expect.stringContaining('127.0.0.1:9') };
    expect(logged((log) => log.error({ error: unheard }, 'Failed')).error).toMatchObject(told);
  });

  it('survives an error that is its own cause, and things that cannot be shown', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    expect(logged((log) => log.error({ error: loop }, 'Failed')).error).toMatchObject({ message: 'loop' });
    expect(logged((log) => log.error({ error: Object.create(null) }, 'Failed')).error).toBe('not an error: object');
  });
});
