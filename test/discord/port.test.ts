import { createServer, type Server } from 'node:http';
import { REST } from 'discord.js';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { notice } from '../../src/discord/card.ts';
import { createPort, PORT_PATIENCE } from '../../src/discord/port.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A port to a server that answers so, and how often it was asked. */
async function setUp(status: number, type: string, body: string) {
  const asked: string[] = [];
  const own = createServer((request, response) => {
    asked.push(request.method ?? '');
    request.resume();
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  server = own;
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const address = own.address();
  const api = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const rest = new REST({ api, retries: 0, hashSweepInterval: 0, handlerSweepInterval: 0 }).setToken('token');
  const patience = { ...PORT_PATIENCE, pausesMs: [1, 1] };
  const log = pino({ level: 'silent' });
  return { asked, port: createPort({ interactions: rest, bot: rest, token: 'token', patience, log }) };
}

const call = { id: '100000000000000001', application: '100000000000000002', token: 'secret-of-the-call' };

describe('an answer that is not from Discord', () => {
  it.each([
    ['a page that says the request is too large', 413, 'text/html', '<html>', 'wrong', 1],
    ['a page that turns away', 403, 'text/html', '<html>', 'unavailable', 3],
    ['a page that is called JSON', 404, 'application/json', '<html>', 'unavailable', 3],
    ['JSON without a code', 400, 'application/json', '"no"', 'unavailable', 3],
    ['a page instead of the message', 200, 'text/html', '<html>', 'unavailable', 3],
    ['an error of Discord itself', 404, 'application/json', '{"code":10008,"message":"Unknown Message"}', 'gone', 1],
  ])('%s', async (_what, status, type, body, kind, times) => {
    const { asked, port } = await setUp(status, type, body);
    const error: unknown = await port.editReply(call, notice('x')).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'DiscordError', kind });
    expect(String(error)).not.toContain(call.token);
    expect(asked).toHaveLength(times);
  });
});
