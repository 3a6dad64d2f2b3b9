import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { APIInteraction } from 'discord-api-types/v10';
import { onTestFinished } from 'vitest';
import { filesMessage } from '../../src/discord/card.ts';
import { createDiscordClient } from '../../src/discord/client.ts';
import {
  createPort,
  PORT_PATIENCE,
  type Call,
  type OutgoingFile,
  type OutgoingMessage,
  type PortPatience,
} from '../../src/discord/port.ts';
import { createLogger } from '../../src/log.ts';
import { createLocalDiscord, type LocalDiscordOptions } from '../../src/playground/discord/server.ts';
import { createPerson } from '../e2e/person.ts';
import { eventually } from '../eventually.ts';

/** Quick to try again, and patient with a busy machine. */
const QUICK: PortPatience = { ...PORT_PATIENCE, pausesMs: [5, 10, 20] };

interface JoinOptions {
  token: string;
  api: string;
  patience?: Partial<PortPatience> | undefined;
}

/** Our client and our port on some Discord, as bot.ts joins them, and every line they write at any level. */
export function joinDiscord({ token, api, patience }: JoinOptions) {
  const lines: string[] = [];
  const log = createLogger('trace', { write: (line) => void lines.push(line) });
  const client = createDiscordClient({ token, api, log });
  const { interactions, bot } = client;
  const port = createPort({ interactions, bot, token, patience: { ...QUICK, ...patience }, log });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= client.close());
  onTestFinished(close);
  return { client, port, log, lines, close };
}

interface LocalOptions extends LocalDiscordOptions {
  patience?: Partial<PortPatience>;
  onInteraction?: (interaction: APIInteraction) => void | Promise<void>;
}

/** The local Discord with our client connected to it, and one command to call. */
export async function openLocal({ patience, onInteraction, ...options }: LocalOptions = {}) {
  const discord = await createLocalDiscord(options);
  onTestFinished(() => discord.close());
  const heard: APIInteraction[] = [];
  const joined = joinDiscord({ token: discord.token, api: discord.api, patience });
  const { id } = await joined.client.connect((interaction) => {
    heard.push(interaction);
    return onInteraction?.(interaction);
  });
  const ping = { name: 'ping', description: 'Answers', integration_types: [0, 1], contexts: [0, 1, 2] };
  await joined.client.bot.put(`/applications/${id}/commands`, { body: [ping] });

  return {
    ...joined,
    discord,
    heard,
    person: (name: string) => createPerson(discord.url, name),
    /** Has somebody call the command; the interaction as the gateway brought it. */
    async call(name: string, channel?: string): Promise<APIInteraction> {
      const id = await createPerson(discord.url, name).call('ping', {}, channel);
      return await eventually(() => {
        const interaction = heard.find((candidate) => candidate.id === id);
        if (!interaction) throw new Error('not heard');
        return interaction;
      });
    },
  };
}

export function callOf({ id, application_id: application, token }: APIInteraction): Call {
  return { id, application, token };
}

/** One request as a server got it. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** whether the client has left before it was answered */
  left: boolean;
  /** Answers with a message. */
  answer(): void;
}

/** A server that holds every request until it is told to answer; `take` gets each one first, its body unread. */
export async function openRaw(
  { patience, take }: { patience?: Partial<PortPatience>; take?: (asked: Asked) => void } = {},
  at = 0,
) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const one: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      request,
      response,
      left: false,
      answer: () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"1"}'),
    };
    response.on('close', () => (one.left = !response.writableFinished));
    asked.push(one);
    if (take) take(one);
    else request.resume();
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const number = typeof address === 'object' && address ? address.port : 0;
  return { ...joinDiscord({ token: 'token', api: `http://127.0.0.1:${number}`, patience }), asked, server, number };
}

/** Calls with tokens of their own; ids are as long as Discord's, or discord.js would put all into one bucket. */
export function madeUpCall(number = 0): Call {
  return { id: `1000000000000000${number + 100}`, application: '100000000000000002', token: `token-of-call-${number}` };
}

/** A file to send, removed with the test: the words, or as many zeros. */
export async function makeFile(content: string | number, name = 'picture.png') {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-behaviours-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : '');
  if (typeof content === 'number') await truncate(path, content);
  return { name, path, mediaType: 'image/png', description: 'a picture' };
}

export function filesOf(...files: OutgoingFile[]): OutgoingMessage {
  return filesMessage({ files, texts: [], notes: [] });
}

/** What the local Discord recorded of the bot, in order. */
export async function readRecording(path: string): Promise<unknown[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line): unknown => JSON.parse(line));
}
