import {
  Client,
  GatewayDispatchEvents,
  Routes,
  type APIInteraction,
  type APIMessage,
  type ClientOptions,
  type REST,
} from 'discord.js';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { PlaygroundInteraction, PlaygroundState } from '../../src/playground/api.ts';
import {
  createLocalDiscord,
  type LocalDiscord,
  type LocalDiscordOptions,
} from '../../src/playground/discord/server.ts';

/** A local Discord with the real discord.js on it, both ended with the test. */
export interface Stage {
  discord: LocalDiscord;
  client: Client<true>;
  rest: REST;
  /** Acts as a person through the JSON interface. */
  person(name: string): Actor;
  /** Asks the JSON interface: a path after `/playground/`. */
  ask(method: string, path: string, body?: object): Promise<Answer>;
  state(): Promise<PlaygroundState>;
  channel(name: string): Promise<string>;
  /** What the next interaction is; ask before it happens. */
  next(): Promise<APIInteraction>;
  callback(interaction: APIInteraction, type: number, data?: object): Promise<unknown>;
  edit(interaction: APIInteraction, body: object, files?: Upload[]): Promise<APIMessage>;
}

interface Upload {
  name: string;
  data: Buffer;
}

interface Actor {
  run(command: string, parts?: Record<string, string | Blob>): Promise<string>;
  messages(channel?: string): Promise<APIMessage[]>;
  press(message: string, customId: string, values?: string[]): Promise<string>;
  post(path: string, body: object | FormData): Promise<Answer>;
  get(path: string): Promise<Answer>;
}

interface Answer {
  status: number;
  json: unknown;
}

export async function stage(options: LocalDiscordOptions = {}, client: Partial<ClientOptions> = {}): Promise<Stage> {
  const discord = await createLocalDiscord(options);
  onTestFinished(() => discord.close());
  return join(discord, client);
}

export async function join(discord: LocalDiscord, options: Partial<ClientOptions> = {}): Promise<Stage> {
  const client = new Client({ intents: [], rest: { api: discord.api }, ...options });
  client.on('error', () => {});
  onTestFinished(() => client.destroy());
  const ready = new Promise<Client<true>>((resolve) => {
    client.once('clientReady', resolve);
  });
  await client.login(discord.token);
  const online = await ready;
  const rest = client.rest;

  async function ask(path: string, init?: RequestInit): Promise<Answer> {
    const response = await fetch(`${discord.url}/playground/${path}`, init);
    const text = await response.text();
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, json };
  }

  function post(path: string, body: object | FormData): Promise<Answer> {
    if (body instanceof FormData) return ask(path, { method: 'POST', body });
    return ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  }

  async function state(): Promise<PlaygroundState> {
    const { json } = await ask('state');
    return z.custom<PlaygroundState>().parse(json);
  }

  async function channel(name: string): Promise<string> {
    const found = (await state()).channels.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`no channel ${name}`);
    return found.id;
  }

  function started({ status, json }: Answer): string {
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(json)}`);
    return z.object({ interaction: z.string() }).parse(json).interaction;
  }

  function person(name: string): Actor {
    return {
      async run(command, parts = {}) {
        const form = new FormData();
        form.set('channel', 'characters');
        for (const [key, value] of Object.entries(parts)) form.set(key, value);
        return started(await post(`users/${name}/commands/${encodeURIComponent(command)}`, form));
      },
      async messages(where = 'characters') {
        const { json } = await ask(`users/${name}/channels/${where}/messages`);
        return z.array(z.custom<APIMessage>()).parse(json);
      },
      async press(message, customId, values) {
        return started(await post(`users/${name}/components`, { message, customId, values }));
      },
      post: (path, body) => post(`users/${name}/${path}`, body),
      get: (path) => ask(`users/${name}/${path}`),
    };
  }

  return {
    discord,
    client: online,
    rest,
    person,
    ask(method, path, body) {
      if (!body) return ask(path, { method });
      return ask(path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    },
    state,
    channel,
    next: () =>
      new Promise((resolve) => {
        client.ws.once(GatewayDispatchEvents.InteractionCreate, (interaction) => resolve(interaction));
      }),
    async callback({ id, token }, type, data) {
      return rest.post(Routes.interactionCallback(id, token), {
        body: { type, ...(data ? { data } : {}) },
        auth: false,
        query: new URLSearchParams({ with_response: 'true' }),
      });
    },
    async edit({ token }, body, files = []) {
      const path = Routes.webhookMessage(discord.applicationId, token, '@original');
      return z.custom<APIMessage>().parse(await rest.patch(path, { body, files, auth: false }));
    },
  };
}

export async function register({ rest, discord }: Stage, ...commands: object[]): Promise<unknown> {
  return rest.put(Routes.applicationCommands(discord.applicationId), { body: commands });
}

export async function interaction({ discord }: Stage, id: string): Promise<PlaygroundInteraction> {
  const response = await fetch(`${discord.url}/playground/interactions/${id}`);
  return z.custom<PlaygroundInteraction>().parse(await response.json());
}
