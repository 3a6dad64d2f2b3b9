import type { ServerResponse } from 'node:http';
import { ApplicationCommandType, InteractionType } from 'discord-api-types/v10';
import { z } from 'zod';
import type { AutocompleteChoices, InteractionStarted, PlaygroundState } from '../api.ts';
import type { MovableClock } from '../clock.ts';
import type { Attachments } from './attachments.ts';
import { permissionsOf } from './changes.ts';
import { createCommandInputs, resolveUser, type Resolved } from './command-input.ts';
import { componentData, modalData } from './component-input.ts';
import type { EventFeed } from './event-feed.ts';
import type { Faults } from './faults.ts';
import type { Body, Reply } from './http.ts';
import { openModal, type Interactions } from './interactions.ts';
import type { MessageLog } from './message-log.ts';
import type { Message, Messages } from './messages.ts';
import { PersonError } from './person-error.ts';
import type { Registry } from './registry.ts';
import type { RequestCounts } from './request-counts.ts';
import type { Route } from './router.ts';
import type { Person, Place, World } from './world.ts';

interface PersonCall {
  param(name: string): string;
  query: URLSearchParams;
  body: Body;
  response: ServerResponse;
}

export type PersonRoute = Route<PersonCall>;

const Component = z.strictObject({ message: z.string(), customId: z.string(), values: z.array(z.string()).optional() });
const ModalFields = z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())]));
const Modal = z.strictObject({ interaction: z.string(), fields: ModalFields.default({}) });
const Advance = z.strictObject({
  advanceMs: z
    .number()
    .min(0)
    .max(400 * 24 * 3600 * 1000),
});
const Fault = z
  .strictObject({
    route: z.string().optional(),
    kind: z.enum(['reset', 'cut', 'stall', '502', '429', '401', 'lost-answer']),
    times: z.int().min(0),
  })
  .transform(({ route, ...fault }) => ({ ...fault, ...(route === undefined ? {} : { route }) }));

export interface PersonDependencies {
  clock: MovableClock;
  world: World;
  registry: Registry;
  messages: Messages;
  messageLog: MessageLog;
  requestCounts: RequestCounts;
  interactions: Interactions;
  attachments: Attachments;
  faults: Faults;
  feed: EventFeed;
  applicationId: string;
  online: () => boolean;
  botRoutes: () => string[];
  changed: () => void;
}

/** What a person, a test or a script can do: the JSON interface of the playground itself. */
export function personRoutes(dependencies: PersonDependencies): PersonRoute[] {
  const { clock, world, registry, messages, interactions, attachments, faults, feed, applicationId } = dependencies;
  const inputs = createCommandInputs({ world, registry, attachments, applicationId });

  function state(): PlaygroundState {
    const people = world.people();
    return {
      now: clock.now(),
      bot: { user: world.bot, online: dependencies.online() },
      users: people.map(({ user, about, closedDms }) => ({
        id: user.id,
        name: user.username,
        displayName: user.global_name ?? user.username,
        avatarUrl: `/cdn/avatars/${user.id}/${user.username}.svg`,
        about,
        closedDms,
      })),
      channels: world.places().map((place) => ({
        id: place.id,
        name: place.name,
        kind: place.kind,
        about: place.about,
        users: people.filter((person) => world.sees(person, place)).map(({ user }) => user.id),
        botIsMember: place.botIsMember,
        ...(place.guild ? { guild: place.guild.id } : {}),
        botPermissions: permissionsOf(place),
      })),
      guilds: world.guilds.map(({ id, name, botIsMember, premiumTier, fileLimit }) => ({
        id,
        name,
        botIsMember,
        premiumTier,
        fileLimit,
      })),
      commands: [...registry.list(), ...world.guilds.flatMap(({ id }) => registry.list(id))],
      faults: faults.list(),
    };
  }

  function personOf(call: PersonCall): Person {
    const before = world.people().length;
    const person = world.person(call.param('user'));
    if (!person) throw new PersonError(`There is nobody named ${call.param('user')}.`, 404);
    if (world.people().length > before) dependencies.changed();
    return person;
  }

  /** The channel that was named, or the first one that this person sees. */
  function placeOf(person: Person, name: string | undefined): Place {
    const place = name ? world.place(name, person) : world.places().find((candidate) => world.sees(person, candidate));
    if (!place || !world.sees(person, place)) {
      throw new PersonError(`${person.user.username} sees no channel ${name ?? ''}.`, 404);
    }
    return place;
  }

  function messageOf(person: Person, id: string): Message {
    for (const place of world.places()) {
      const message = messages.find(place, id);
      if (message && world.sees(person, place) && (!message.onlyFor || message.onlyFor === person)) return message;
    }
    throw new PersonError(`${person.user.username} sees no message ${id}.`, 404);
  }

  async function runCommand(call: PersonCall): Promise<Reply> {
    const person = personOf(call);
    const fields = formOf(call.body);
    const place = placeOf(person, take(fields, 'channel'));
    const target = take(fields, 'target');
    const { command, path } = inputs.find(call.param('name'), person, place);
    const input = { person, place, fields, uploads: call.body.uploads };
    const data = await inputs.data(command, path, input);
    const chat = command.type === ApplicationCommandType.ChatInput;
    if (chat !== (target === undefined)) {
      throw new PersonError(`${command.name} ${chat ? 'takes no' : 'needs a'} target.`);
    }
    const { name, type } = command;
    const what = target === undefined ? { data } : onTarget(type, target, person, place, data);
    return started(
      interactions.start({ type: InteractionType.ApplicationCommand, person, place, command: name, ...what }),
    );
  }

  function onTarget(type: ApplicationCommandType, target: string, person: Person, place: Place, data: object) {
    if (type === ApplicationCommandType.User) {
      const other = target === world.bot.username || target === world.bot.id ? undefined : world.person(target);
      const resolved: Resolved = {};
      if (other) resolveUser(world, other, place, resolved);
      else resolved.users = { [world.bot.id]: world.bot };
      return { data: { ...data, target_id: other?.user.id ?? world.bot.id, resolved } };
    }
    const message = messageOf(person, target);
    if (message.place !== place) throw new PersonError('The message is in another channel.');
    const resolved = { messages: { [message.id]: messages.render(message) } };
    return { data: { ...data, target_id: message.id, resolved }, metadata: { target_message_id: message.id } };
  }

  function started({ id }: { id: string }): Reply {
    return { status: 201, json: { interaction: id } satisfies InteractionStarted };
  }

  function useComponent(call: PersonCall): Reply {
    const person = personOf(call);
    const { message: id, customId, values } = parse(Component, call.body.json);
    const source = messageOf(person, id);
    const data = componentData(source, customId, values, world);
    return started(
      interactions.start({ type: InteractionType.MessageComponent, person, place: source.place, data, source }),
    );
  }

  async function submitModal(call: PersonCall): Promise<Reply> {
    const person = personOf(call);
    const given = parse(Modal, modalJson(call.body));
    const parent = interactions.find(given.interaction);
    const modal = parent && openModal(parent);
    if (!modal || parent.person !== person) {
      throw new PersonError('There is no open modal of this interaction.', 404);
    }
    const { place, source } = parent;
    const input = { person, place, fields: given.fields, uploads: call.body.uploads };
    const data = await modalData(modal, input, attachments, applicationId);
    parent.submit = interactions.start({ type: InteractionType.ModalSubmit, person, place, data, source, parent });
    return started(parent.submit);
  }

  async function autocomplete(call: PersonCall): Promise<Reply> {
    const person = personOf(call);
    const { command: name = '', option = '', value = '', channel, ...others } = Object.fromEntries(call.query);
    const place = placeOf(person, channel);
    const { command, path } = inputs.find(name, person, place, ApplicationCommandType.ChatInput);
    const fields = new Map([...Object.entries(others), [option, value]] as const);
    const data = await inputs.typing(command, path, { person, place, fields, uploads: [] }, option);
    const interaction = interactions.start({
      type: InteractionType.ApplicationCommandAutocomplete,
      person,
      place,
      data,
    });
    await interaction.settled;
    if (!interaction.choices) throw new PersonError('The bot gave no choices.', 504);
    const choices = interaction.choices.map((choice) => ({ name: choice.name, value: choice.value }));
    return { status: 200, json: { choices } satisfies AutocompleteChoices };
  }

  function listMessages(call: PersonCall): Reply {
    const person = personOf(call);
    return { status: 200, json: messages.list(placeOf(person, call.param('channel')), person).map(messages.render) };
  }

  function listAll(call: PersonCall): Reply {
    const name = call.query.get('channel');
    if (name === null) return { status: 200, json: dependencies.messageLog.list() };
    // The id of a channel that was deleted is still good for what was in it.
    const channel = world.place(name)?.id ?? (/^\d+$/u.test(name) ? name : undefined);
    if (channel === undefined) throw new PersonError(`There is no channel ${name}.`, 404);
    return { status: 200, json: dependencies.messageLog.list(channel) };
  }

  function oneInteraction(call: PersonCall): Reply {
    const interaction = interactions.find(call.param('interaction'));
    if (!interaction) throw new PersonError('There is no such interaction.', 404);
    return { status: 200, json: interactions.describe(interaction) };
  }

  function moveClock(call: PersonCall): Reply {
    clock.advance(parse(Advance, call.body.json).advanceMs);
    dependencies.changed();
    return { status: 200, json: { now: clock.now() } };
  }

  function setFault(call: PersonCall): Reply {
    const fault = parse(Fault, call.body.json);
    if (fault.route !== undefined && !dependencies.botRoutes().includes(fault.route)) {
      throw new PersonError(`There is no route ${fault.route}.`);
    }
    faults.set(fault);
    return { status: 201, json: faults.list() };
  }

  function watch(call: PersonCall): undefined {
    const name = call.query.get('user');
    const viewer = name === null ? undefined : world.person(name);
    if (name !== null && !viewer) throw new PersonError(`There is nobody named ${name}.`, 404);
    feed.add(call.response, viewer);
  }

  const user = '/playground/users/{user}';
  return [
    { method: 'GET', path: '/playground/state', handle: () => ({ status: 200, json: state() }) },
    { method: 'POST', path: `${user}/commands/{name}`, handle: runCommand },
    { method: 'GET', path: `${user}/channels/{channel}/messages`, handle: listMessages },
    { method: 'GET', path: '/playground/messages', handle: listAll },
    {
      method: 'GET',
      path: '/playground/requests',
      handle: () => ({ status: 200, json: dependencies.requestCounts.list() }),
    },
    { method: 'POST', path: `${user}/components`, handle: useComponent },
    { method: 'POST', path: `${user}/modals`, handle: submitModal },
    { method: 'GET', path: `${user}/autocomplete`, handle: autocomplete },
    { method: 'GET', path: '/playground/interactions/{interaction}', handle: oneInteraction },
    { method: 'POST', path: '/playground/clock', handle: moveClock },
    { method: 'POST', path: '/playground/faults', handle: setFault },
    { method: 'GET', path: '/playground/events', handle: watch },
  ];
}

/** The text parts of a command: a form, or for a script that uploads nothing, a JSON object of texts. */
function formOf(body: Body): Map<string, string> {
  if (body.json === undefined) return new Map(body.fields);
  const values = parse(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])), body.json);
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function take(fields: Map<string, string>, name: string): string | undefined {
  const value = fields.get(name);
  fields.delete(name);
  return value;
}

function modalJson(body: Body): unknown {
  if (body.json !== undefined) return body.json;
  const fields = body.fields.get('fields') ?? '{}';
  try {
    return { interaction: body.fields.get('interaction'), fields: JSON.parse(fields) };
  } catch (error) {
    throw new PersonError('The part `fields` must be JSON.', 400, { cause: error });
  }
}

/** Throws a PersonError that says what is wrong. */
export function parse<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new PersonError(z.prettifyError(result.error), 400);
}
