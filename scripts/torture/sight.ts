import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';

/** What people see in the local Discord, and what they do there: through its JSON API, from outside. */
export interface Sight {
  /** Calls a command. @returns the interaction's id */
  call(person: string, command: string, channel: string, options: Record<string, string | Blob>): Promise<string>;
  press(person: string, message: SeenMessage, customId: string): Promise<string>;
  /** Sends the modal that the interaction was answered with. @returns the interaction that this is */
  submit(person: string, interaction: string, fields: Record<string, string>): Promise<string>;
  /** Tells of every message that this person sees come or change, and what becomes of what they do, until the signal is aborted. */
  follow(person: string, signal: AbortSignal, listeners: Listeners): Promise<void>;
  /** What this person sees of a channel now, oldest first. */
  messages(person: string, channel: string): Promise<SeenMessage[]>;
  channelsOf(person: string): Promise<readonly Channel[]>;
  /** all messages that still say "thinking…", with the interactions that they answer */
  thinking(): Promise<{ id: string; interaction?: string | undefined }[]>;
  outcomeOf(interaction: string): Promise<Outcome>;
  isBotOnline(): Promise<boolean>;
  setFault(fault: { route: string; kind: string; times: number }): Promise<void>;
  clearFaults(): Promise<void>;
}

interface Listeners {
  onMessage(message: SeenMessage): void;
  onOutcome(outcome: Outcome): void;
}

/** What became of an interaction. */
const Outcome = z.object({
  id: z.string(),
  /** answered within its 3 s */
  state: z.enum(['pending', 'answered', 'failed']),
  /** as long as it is open */
  modal: z.object({ custom_id: z.string() }).optional(),
});
export type Outcome = z.infer<typeof Outcome>;

export interface SeenMessage {
  readonly id: string;
  readonly channel: string;
  /** all text of it, in order */
  readonly text: string;
  /** in galleries */
  readonly pictures: number;
  readonly buttons: readonly { readonly label: string; readonly customId: string }[];
  /** the one that it answers */
  readonly interaction?: string;
}

const Component: z.ZodType<Component> = z.lazy(() =>
  z.object({
    content: z.string().optional(),
    label: z.string().optional(),
    custom_id: z.string().optional(),
    components: z.array(Component).optional(),
    items: z.array(z.unknown()).optional(),
  }),
);
interface Component {
  content?: string | undefined;
  label?: string | undefined;
  custom_id?: string | undefined;
  components?: Component[] | undefined;
  items?: unknown[] | undefined;
}

const Message = z.object({
  id: z.string(),
  channel_id: z.string(),
  content: z.string(),
  components: z.array(Component).default([]),
  interaction_metadata: z.object({ id: z.string() }).optional(),
});
const Channel = z.object({ id: z.string(), name: z.string(), kind: z.string(), users: z.array(z.string()) });
type Channel = z.infer<typeof Channel>;
const State = z.object({
  bot: z.object({ online: z.boolean() }),
  users: z.array(z.object({ id: z.string(), name: z.string() })),
  channels: z.array(Channel),
  faults: z.array(z.object({ route: z.string().optional(), kind: z.string() })),
});
const Made = z.object({
  id: z.string(),
  interaction: z.string().optional(),
  loading: z.boolean(),
  deletedAt: z.number().optional(),
});
const Started = z.object({ interaction: z.string() });
const News = z.object({ message: Message });
const OutcomeNews = z.object({ interaction: Outcome });

export function createSight(url: string): Sight {
  async function ask<T>(schema: z.ZodType<T>, path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(`${url}/playground${path}`, init);
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return schema.parse(body);
  }

  function postJson(body: object): RequestInit {
    return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  }

  const state = () => ask(State, '/state');

  return {
    async call(person, command, channel, options) {
      const form = new FormData();
      form.set('channel', channel);
      for (const [name, value] of Object.entries(options)) {
        if (typeof value === 'string') form.set(name, value);
        else form.set(name, value, `${name}.png`);
      }
      const started = await ask(Started, `/users/${person}/commands/${command}`, { method: 'POST', body: form });
      return started.interaction;
    },
    async press(person, message, customId) {
      const started = await ask(Started, `/users/${person}/components`, postJson({ message: message.id, customId }));
      return started.interaction;
    },
    async submit(person, interaction, fields) {
      const started = await ask(Started, `/users/${person}/modals`, postJson({ interaction, fields }));
      return started.interaction;
    },
    async follow(person, signal, { onMessage, onOutcome }) {
      const { body } = await fetch(`${url}/playground/events?user=${person}`, { signal });
      const events = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      try {
        for await (const { event, data } of events ?? []) {
          if (event === 'interaction-changed') onOutcome(OutcomeNews.parse(JSON.parse(data)).interaction);
          if (event !== 'message-created' && event !== 'message-updated') continue;
          onMessage(seen(News.parse(JSON.parse(data)).message));
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    async messages(person, channel) {
      const messages = await ask(z.array(Message), `/users/${person}/channels/${channel}/messages`);
      return messages.map((message) => seen(message));
    },
    async channelsOf(person) {
      const { users, channels } = await state();
      const id = users.find(({ name }) => name === person)?.id ?? '';
      return channels.filter((channel) => channel.users.includes(id));
    },
    async thinking() {
      const messages = await ask(z.array(Made), '/messages');
      return messages.filter(({ loading, deletedAt }) => loading && deletedAt === undefined);
    },
    outcomeOf: (interaction) => ask(Outcome, `/interactions/${interaction}`),
    isBotOnline: async () => (await state()).bot.online,
    async setFault(fault) {
      await ask(z.unknown(), '/faults', postJson(fault));
    },
    async clearFaults() {
      for (const fault of (await state()).faults) await ask(z.unknown(), '/faults', postJson({ ...fault, times: 0 }));
    },
  };
}

function seen({ id, channel_id: channel, content, components, interaction_metadata: made }: z.infer<typeof Message>) {
  const all = components.flatMap((component) => walk(component));
  return {
    id,
    channel,
    text: [content, ...all.map((component) => component.content ?? '')].filter(Boolean).join('\n'),
    pictures: all.reduce((sum, { items = [] }) => sum + items.length, 0),
    buttons: all.flatMap(({ label, custom_id: customId }) =>
      label !== undefined && customId !== undefined ? [{ label, customId }] : [],
    ),
    ...(made && { interaction: made.id }),
  } satisfies SeenMessage;
}

function walk(component: Component): Component[] {
  return [component, ...(component.components ?? []).flatMap((inner) => walk(inner))];
}
