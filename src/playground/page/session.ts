import type { APIMessage, APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';
import type {
  PlaygroundChannel,
  PlaygroundEvent,
  PlaygroundInteraction,
  PlaygroundState,
  PlaygroundUser,
} from '../api.ts';
import type { Address } from './address.ts';
import { RequestError, retryMs, type Client } from './client.ts';

/** Something this page did as a person, until its answer has come. */
export interface Deed {
  readonly id: string;
  readonly user: string;
  readonly channel: string;
  readonly what:
    | { kind: 'command'; used: string }
    | { kind: 'component'; message: string; customId: string }
    | { kind: 'modal'; title: string };
  readonly state: PlaygroundInteraction['state'];
}

export interface OpenModal {
  readonly interaction: string;
  readonly data: APIModalInteractionResponseCallbackData;
}

/** What the page shows: one immutable value, replaced at every change. */
export interface Chat {
  readonly server: PlaygroundState;
  readonly me: PlaygroundUser;
  readonly channel: PlaygroundChannel;
  /** of this channel, oldest first; undefined until they are loaded */
  readonly messages: readonly APIMessage[] | undefined;
  readonly deeds: readonly Deed[];
  /** ids of channels with messages that came while another one was shown */
  readonly unread: ReadonlySet<string>;
  readonly modal: OpenModal | undefined;
  readonly connected: boolean;
  /** what went wrong last, in words */
  readonly notice: string | undefined;
  /** the playground's clock */
  readonly now: () => number;
  readonly act: Actions;
}

interface Actions {
  show(channel: string): void;
  become(user: string): void;
  /** Resolves when the playground has accepted the command; throws a `RequestError` when it has not. */
  run(command: string, answers: ReadonlyMap<string, string | File>, target?: string): Promise<void>;
  press(message: APIMessage, customId: string, values?: readonly string[]): Promise<void>;
  submitModal(answers: ReadonlyMap<string, readonly (string | File)[]>): Promise<void>;
  closeModal(): void;
  autocomplete(query: Record<string, string>, signal: AbortSignal): Promise<{ name: string; value: string | number }[]>;
  dismiss(id: string): void;
  notify(notice: string | undefined): void;
  advance(ms: number): Promise<void>;
  setFault: Client['setFault'];
}

/** Keeps what the page knows of the playground up to date, and acts in it as the chosen person. */
export function createSession(client: Client, onChange: (chat: Chat) => void) {
  let server: PlaygroundState | undefined;
  let me: PlaygroundUser | undefined;
  let channel: PlaygroundChannel | undefined;
  let messages: Map<string, APIMessage> | undefined;
  let deeds: Deed[] = [];
  let modal: OpenModal | undefined;
  let connected = false;
  let notice: string | undefined;
  let clockOffset = 0;
  let unfollow: (() => void) | undefined;
  /** counts changes of person or channel: an answer that belongs to an earlier one is dropped */
  let visit = 0;
  /** events that came while the messages were being read, applied after them so that the newer state wins */
  let held: PlaygroundEvent[] | undefined;
  const unread = new Set<string>();
  const dismissed = new Set<string>();
  /** the newest state of interactions: their event may come before the answer that tells their id */
  const seen = new Map<string, PlaygroundInteraction>();

  function publish(): void {
    if (server === undefined || me === undefined || channel === undefined) return;
    onChange({
      server,
      me,
      channel,
      messages: messages && [...messages.values()].filter(({ id }) => !dismissed.has(id)).sort(byId),
      deeds: deeds.filter((deed) => deed.user === me?.id && deed.channel === channel?.id),
      unread: new Set(unread),
      modal,
      connected,
      notice,
      now: () => Date.now() + clockOffset,
      act,
    });
  }

  async function readState(): Promise<void> {
    const state = await client.state();
    server = state;
    clockOffset = state.now - Date.now();
    // A playground that was started anew has the same people and channels under other ids.
    me = state.users.find(({ id }) => id === me?.id) ?? state.users.find(({ name }) => name === me?.name) ?? me;
    const visible = state.channels.filter(({ users }) => me !== undefined && users.includes(me.id));
    channel =
      visible.find(({ id }) => id === channel?.id) ??
      visible.find((each) => channel !== undefined && placeName(each) === placeName(channel)) ??
      channel;
    publish();
  }

  /** Reads the messages of what is shown anew. */
  async function readMessages(): Promise<void> {
    if (me === undefined || channel === undefined) return;
    visit += 1;
    const current = visit;
    held = [];
    try {
      const read = await client.messages(me.id, channel.id);
      if (current !== visit) return;
      messages = new Map(read.map((message) => [message.id, message]));
      for (const event of held) apply(event);
    } catch (error) {
      if (current !== visit) return;
      messages ??= new Map();
      notice = inWords(error);
    }
    held = undefined;
    publish();
  }

  function apply(event: PlaygroundEvent): void {
    if (event.type === 'state-changed') void readState().catch(tell);
    else if (event.type === 'interaction-changed') settle(event.interaction);
    else if (event.channel !== channel?.id) {
      if (event.type === 'message-created') unread.add(event.channel);
    } else if (event.type === 'message-deleted') messages?.delete(event.message);
    else messages?.set(event.message.id, event.message);
  }

  function settle(interaction: PlaygroundInteraction): void {
    seen.set(interaction.id, interaction);
    const deed = deeds.find(({ id }) => id === interaction.id);
    if (deed === undefined || deed.state === interaction.state) return;
    if (interaction.modal !== undefined && deed.user === me?.id) {
      modal = { interaction: interaction.id, data: interaction.modal };
    }
    deeds =
      interaction.state === 'answered'
        ? deeds.filter(({ id }) => id !== deed.id)
        : deeds.map((other) => (other === deed ? { ...deed, state: interaction.state } : other));
  }

  function began(id: string, what: Deed['what']): void {
    if (me === undefined || channel === undefined) return;
    deeds = [...deeds, { id, user: me.id, channel: channel.id, what, state: 'pending' }];
    const known = seen.get(id);
    if (known !== undefined) settle(known);
    publish();
  }

  /** Asks what became of an interaction whose event may have been missed. */
  async function recall(id: string): Promise<void> {
    try {
      settle(await client.interaction(id));
    } catch {
      // The playground does not know it any more: nothing will come of it.
      deeds = deeds.filter((deed) => deed.id !== id);
    }
    publish();
  }

  function follow(): void {
    unfollow?.();
    if (me === undefined) return;
    connected = false;
    unfollow = client.follow(me.name, {
      // Also after a lost connection: what changed meanwhile is read anew.
      onOpen() {
        connected = true;
        void readState().then(readMessages).catch(tell);
        for (const { id, state } of deeds) if (state === 'pending') void recall(id);
      },
      onEvent(event) {
        if (held !== undefined && 'channel' in event) held.push(event);
        else apply(event);
        publish();
      },
      onLost() {
        connected = false;
        publish();
      },
    });
  }

  function enter(next: PlaygroundChannel): void {
    channel = next;
    messages = undefined;
    notice = undefined;
    unread.delete(next.id);
  }

  function tell(error: unknown): void {
    notice = inWords(error);
    publish();
  }

  const act: Actions = {
    show(id) {
      const next = server?.channels.find((each) => each.id === id);
      if (next === undefined || next.id === channel?.id) return;
      enter(next);
      publish();
      void readMessages();
    },
    become(id) {
      const next = server?.users.find((user) => user.id === id);
      if (server === undefined || next === undefined || next.id === me?.id) return;
      me = next;
      modal = undefined;
      unread.clear();
      const visible = server.channels.filter(({ users }) => users.includes(next.id));
      const stay = visible.find((each) => channel !== undefined && isSamePlace(each, channel)) ?? visible[0];
      if (stay !== undefined) enter(stay);
      publish();
      follow();
    },
    async run(command, answers, target) {
      if (me === undefined || channel === undefined) return;
      const form = new FormData();
      form.set('channel', channel.id);
      if (target !== undefined) form.set('target', target);
      for (const [name, answer] of answers) form.append(name, answer);
      const { interaction } = await client.run(me.id, command, form);
      began(interaction, { kind: 'command', used: target === undefined ? `/${command}` : command });
    },
    async press(message, customId, values) {
      if (me === undefined) return;
      deeds = deeds.filter(({ what }) => !(what.kind === 'component' && what.message === message.id));
      notice = undefined;
      try {
        const press = { message: message.id, customId, ...(values === undefined ? {} : { values }) };
        const { interaction } = await client.press(me.id, press);
        began(interaction, { kind: 'component', message: message.id, customId });
      } catch (error) {
        tell(error);
      }
    },
    async submitModal(answers) {
      if (me === undefined || modal === undefined) return;
      const { interaction: source, data } = modal;
      const form = new FormData();
      form.set('interaction', source);
      const texts = new Map<string, string | readonly string[]>();
      for (const [name, parts] of answers) {
        const words = parts.filter((part) => typeof part === 'string');
        if (words.length > 0) texts.set(name, words.length === 1 ? (words[0] ?? '') : words);
        for (const part of parts) if (part instanceof File) form.append(name, part);
      }
      form.set('fields', JSON.stringify(Object.fromEntries(texts)));
      const { interaction } = await client.submitModal(me.id, form);
      modal = undefined;
      began(interaction, { kind: 'modal', title: data.title });
    },
    closeModal() {
      modal = undefined;
      publish();
    },
    async autocomplete(query, signal) {
      if (me === undefined || channel === undefined) return [];
      return (await client.autocomplete(me.id, { ...query, channel: channel.id }, signal)).choices;
    },
    dismiss(id) {
      dismissed.add(id);
      deeds = deeds.filter((deed) => deed.id !== id);
      publish();
    },
    notify(text) {
      notice = text;
      publish();
    },
    advance: (ms) => client.advance(ms).then(readState).catch(tell),
    setFault: (fault) => client.setFault(fault).then(readState).catch(tell),
  };

  return {
    /** Reads the playground's state, again and again until it answers, and enters where `address` says. */
    async start(address: Address): Promise<void> {
      while (server === undefined) {
        await readState().catch(() => new Promise((resolve) => setTimeout(resolve, retryMs)));
      }
      this.go(address);
    },
    /** Goes where the address bar says; unknown names lead to the first person and channel. */
    go({ channel: where, as }: Address): void {
      if (server === undefined) return;
      const person = server.users.find(({ id, name }) => id === as || name === as) ?? me ?? server.users[0];
      if (person === undefined) return;
      const visible = server.channels.filter(({ users }) => users.includes(person.id));
      const next = visible.find((each) => each.id === where || placeName(each) === where) ?? visible[0];
      const samePerson = person.id === me?.id;
      me = person;
      if (next !== undefined && next.id !== channel?.id) enter(next);
      publish();
      if (samePerson) void readMessages();
      else follow();
    },
  };
}

/** Ids grow with time; they are decimal numbers too long for a JavaScript number. */
function byId(a: APIMessage, b: APIMessage): number {
  return a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

/** Everybody has their own direct messages with the bot: to the page they are one place. */
export function placeName({ kind, name }: PlaygroundChannel): string {
  return kind === 'dm' ? 'dm' : name;
}

function isSamePlace(a: PlaygroundChannel, b: PlaygroundChannel): boolean {
  return a.id === b.id || (a.kind === 'dm' && b.kind === 'dm');
}

/** As the person reads it: direct messages have the name of the other side. */
export function channelName({ kind, name }: PlaygroundChannel, { bot }: PlaygroundState): string {
  return kind === 'dm' ? botName(bot) : name;
}

export function botName({ user }: PlaygroundState['bot']): string {
  return user.global_name ?? user.username;
}

export function inWords(error: unknown): string {
  return error instanceof RequestError ? error.message : `Something in this page went wrong: ${String(error)}`;
}
