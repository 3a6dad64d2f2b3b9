import { expect } from 'vitest';
import { z } from 'zod';
import { PORTRAIT } from './portraits.ts';

/** Somebody in the playground, through its JSON API. */
export interface Person {
  readonly name: string;
  /** Calls a command; options are texts, or files. @returns the interaction's id */
  call(command: string, options: Record<string, string | Picture>, channel?: string): Promise<string>;
  /** Calls /character with a portrait and the words; answers the reply once the bot has begun one. */
  character(prompt: string, options?: Record<string, string | Picture>): Promise<SeenMessage>;
  /** The messages this person sees, oldest first. */
  messages(channel?: string): Promise<SeenMessage[]>;
  /** The message as this person sees it now, or undefined. */
  look(message: string, channel?: string): Promise<SeenMessage | undefined>;
  /** Waits until the message says so. */
  waitFor(message: string, words: RegExp, channel?: string): Promise<SeenMessage>;
  /** Waits until the message shows so many pictures. */
  withPictures(message: string, count: number, channel?: string): Promise<SeenMessage>;
  /** Waits until the message has files of any kind. */
  waitForFiles(message: string, channel?: string): Promise<SeenMessage>;
  /** Presses the button with that label on a message. @returns the interaction's id */
  press(message: SeenMessage, label: RegExp): Promise<string>;
  /** Chooses in the select of a message. @returns the interaction's id */
  choose(message: SeenMessage, customId: string, value: string): Promise<string>;
  /** Fills in the modal that a command was answered with, once it is there. @returns the submit's interaction's id */
  submitModal(interaction: string, fields: Record<string, string>): Promise<string>;
  /** What is offered while this person types into an option. */
  autocomplete(command: string, option: string, typed: string, channel?: string): Promise<string[]>;
  /** The id of a channel by its name, or of this person's own by its kind: `dm`, `group-dm`. */
  channelOf(place: string): Promise<string>;
  /** What became of an interaction. */
  interaction(id: string): Promise<Interaction>;
  /** Waits until the interaction has an answer, and gives the message that it is. */
  answer(interaction: string, channel?: string): Promise<SeenMessage>;
}

export interface Picture {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType?: string;
}

export interface SeenMessage {
  readonly id: string;
  readonly channel: string;
  /** all text of it, in order */
  readonly text: string;
  readonly ephemeral: boolean;
  /** addresses of the gallery's pictures */
  readonly pictures: readonly string[];
  /** addresses of the files to download */
  readonly files: readonly string[];
  readonly buttons: readonly { readonly label: string; readonly customId: string }[];
  /** what can be chosen in the message's selects */
  readonly options: readonly { readonly label: string; readonly value: string }[];
}

const Interaction = z.object({
  id: z.string(),
  state: z.enum(['pending', 'answered', 'failed']),
  answeredAfterMs: z.number().optional(),
  message: z.string().optional(),
  modal: z.object({ title: z.string(), custom_id: z.string(), components: z.array(z.unknown()) }).optional(),
});
type Interaction = z.infer<typeof Interaction>;

const Component: z.ZodType<Component> = z.lazy(() =>
  z.object({
    content: z.string().optional(),
    label: z.string().optional(),
    custom_id: z.string().optional(),
    components: z.array(Component).optional(),
    items: z.array(z.object({ media: z.object({ url: z.string() }) })).optional(),
    file: z.object({ url: z.string() }).optional(),
    options: z.array(z.object({ label: z.string(), value: z.string() })).optional(),
  }),
);
interface Component {
  content?: string | undefined;
  label?: string | undefined;
  custom_id?: string | undefined;
  components?: Component[] | undefined;
  items?: { media: { url: string } }[] | undefined;
  file?: { url: string } | undefined;
  options?: { label: string; value: string }[] | undefined;
}

const Message = z.object({
  id: z.string(),
  channel_id: z.string(),
  flags: z.number().default(0),
  content: z.string(),
  components: z.array(Component).default([]),
});

const State = z.object({
  users: z.array(z.object({ id: z.string(), name: z.string() })),
  channels: z.array(z.object({ id: z.string(), name: z.string(), kind: z.string(), users: z.array(z.string()) })),
});

const EPHEMERAL = 64;

export function createPerson(url: string, name: string): Person {
  const base = `${url}/playground/users/${name}`;

  async function ask<T>(schema: z.ZodType<T>, path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(path, init);
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
    return schema.parse(body);
  }

  async function use(message: string, customId: string, values?: readonly string[]): Promise<string> {
    const body = JSON.stringify({ message, customId, ...(values && { values }) });
    const headers = { 'content-type': 'application/json' };
    const started = z.object({ interaction: z.string() });
    return (await ask(started, `${base}/components`, { method: 'POST', body, headers })).interaction;
  }

  const person: Person = {
    name,
    async call(command, options, channel = 'characters') {
      const form = new FormData();
      form.set('channel', channel);
      for (const [option, value] of Object.entries(options)) {
        if (typeof value === 'string') form.set(option, value);
        else form.set(option, new Blob([value.bytes], { type: value.mediaType ?? 'image/png' }), value.name);
      }
      const started = z.object({ interaction: z.string() });
      return (await ask(started, `${base}/commands/${command}`, { method: 'POST', body: form })).interaction;
    },
    async character(prompt, options = {}) {
      const interaction = await person.call('character', { prompt, character: await PORTRAIT, ...options });
      return await person.answer(interaction);
    },
    async messages(channel = 'characters') {
      return (await ask(z.array(Message), `${base}/channels/${channel}/messages`)).map((message) => seen(message));
    },
    async look(message, channel) {
      return (await person.messages(channel)).find(({ id }) => id === message);
    },
    async waitFor(message, words, channel) {
      let found: SeenMessage | undefined;
      await expect
        .poll(
          async () => {
            found = await person.look(message, channel);
            return found?.text ?? '';
          },
          { timeout: 30_000, interval: 30 },
        )
        .toMatch(words);
      if (!found) throw new Error('no such message');
      return found;
    },
    async withPictures(message, count, channel) {
      let found: SeenMessage | undefined;
      await expect
        .poll(
          async () => {
            found = await person.look(message, channel);
            return found?.pictures.length;
          },
          { timeout: 30_000, interval: 30 },
        )
        .toBe(count);
      if (!found) throw new Error('no such message');
      return found;
    },
    async waitForFiles(message, channel) {
      let found: SeenMessage | undefined;
      await expect
        .poll(
          async () => {
            found = await person.look(message, channel);
            return (found?.pictures.length ?? 0) + (found?.files.length ?? 0);
          },
          { timeout: 30_000, interval: 30 },
        )
        .toBeGreaterThan(0);
      if (!found) throw new Error('no such message');
      return found;
    },
    async press(message, label) {
      const button = message.buttons.find((candidate) => label.test(candidate.label));
      if (!button) throw new Error(`no button ${label} on: ${message.text}`);
      return await use(message.id, button.customId);
    },
    async submitModal(interaction, fields) {
      await expect
        .poll(async () => (await person.interaction(interaction)).modal, { timeout: 10_000, interval: 30 })
        .toBeDefined();
      const body = JSON.stringify({ interaction, fields });
      const headers = { 'content-type': 'application/json' };
      const started = z.object({ interaction: z.string() });
      return (await ask(started, `${base}/modals`, { method: 'POST', body, headers })).interaction;
    },
    async autocomplete(command, option, typed, channel = 'characters') {
      const query = new URLSearchParams({ command, option, value: typed, channel });
      const Choices = z.object({ choices: z.array(z.object({ name: z.string(), value: z.string() })) });
      return (await ask(Choices, `${base}/autocomplete?${query.toString()}`)).choices.map(({ name }) => name);
    },
    choose: (message, customId, value) => use(message.id, customId, [value]),
    async channelOf(place) {
      const state = await ask(State, `${url}/playground/state`);
      const self = state.users.find((user) => user.name === name)?.id ?? '';
      const channel = state.channels.find(
        (candidate) => (candidate.name === place || candidate.kind === place) && candidate.users.includes(self),
      );
      if (!channel) throw new Error(`${name} sees no ${place}`);
      return channel.id;
    },
    interaction: (id) => ask(Interaction, `${url}/playground/interactions/${id}`),
    async answer(interaction, channel) {
      let message: string | undefined;
      await expect
        .poll(
          async () => {
            const { state, message: id } = await person.interaction(interaction);
            message = id;
            return state;
          },
          { timeout: 10_000, interval: 50 },
        )
        .toBe('answered');
      const found = message === undefined ? undefined : await person.look(message, channel);
      if (!found) throw new Error('the answer is not to be seen');
      return found;
    },
  };
  return person;
}

function seen({ id, channel_id: channel, flags, content, components }: z.infer<typeof Message>): SeenMessage {
  const all = components.flatMap((component) => walk(component));
  return {
    id,
    channel,
    ephemeral: (flags & EPHEMERAL) !== 0,
    text: [content, ...all.map((component) => component.content ?? '')].filter(Boolean).join('\n'),
    pictures: all.flatMap((component) => (component.items ?? []).map(({ media }) => media.url)),
    files: all.flatMap(({ file }) => (file ? [file.url] : [])),
    options: all.flatMap(({ options = [] }) => options),
    buttons: all.flatMap(({ label, custom_id: customId }) =>
      label !== undefined && customId !== undefined ? [{ label, customId }] : [],
    ),
  };
}

function walk(component: Component): Component[] {
  return [component, ...(component.components ?? []).flatMap((inner) => walk(inner))];
}
