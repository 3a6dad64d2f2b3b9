import { randomBytes } from 'node:crypto';
import {
  ApplicationIntegrationType,
  InteractionContextType,
  InteractionType,
  Locale,
  MessageFlags,
  type APIApplicationCommandOptionChoice,
  type APIAuthorizingIntegrationOwnersMap,
  type APIBaseInteraction,
  type APIMessageInteractionMetadata,
  type APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type { Clock } from '../../clock.ts';
import type { PlaygroundInteraction } from '../api.ts';
import { alreadyAcknowledged, invalidWebhookToken, unknownInteraction, unknownWebhook } from './discord-error.ts';
import type { Message, Messages } from './messages.ts';
import type { Person, Place, World } from './world.ts';

export interface Interaction {
  id: string;
  token: string;
  type: InteractionType;
  person: Person;
  place: Place;
  createdAt: number;
  state: PlaygroundInteraction['state'];
  answeredAt: number | undefined;
  /** whether an answer is just being carried out: a second one comes too late */
  answering: boolean;
  /** the message that `@original` means */
  original: Message | undefined;
  /** the message whose button or select was used */
  source: Message | undefined;
  modal: APIModalInteractionResponseCallbackData | undefined;
  /** how the modal was sent, the last time: one that was not answered stays open */
  submit: Interaction | undefined;
  choices: APIApplicationCommandOptionChoice[] | undefined;
  followUps: number;
  owners: APIAuthorizingIntegrationOwnersMap;
  /** bytes a file of its answer may have */
  fileLimit: number;
  metadata: APIMessageInteractionMetadata;
  /** the command's name, where it is one or the modal of one */
  command: string | undefined;
  /** Settles when it is answered or has failed. */
  settled: Promise<void>;
}

interface NewInteraction {
  type: InteractionType;
  person: Person;
  place: Place;
  data: object;
  command?: string;
  source?: Message | undefined;
  /** for a message target or a modal: what else its metadata tells */
  metadata?: Partial<APIMessageInteractionMetadata>;
  parent?: Interaction | undefined;
}

export interface Interactions {
  start(interaction: NewInteraction): Interaction;
  find(id: string): Interaction | undefined;
  /** for the callback; throws 10062 and 40060 as Discord does */
  pending(id: string, token: string): Interaction;
  answer(interaction: Interaction): void;
  /** for the webhook routes; throws 10015 and 50027 as Discord does */
  live(token: string): Interaction;
  describe(interaction: Interaction): PlaygroundInteraction;
  close(): void;
}

// Receiving and responding page of Discord's documentation.
const FIRST_ANSWER_MS = 3000;
const TOKEN_LIFE_MS = 15 * 60 * 1000;
// How long the playground itself remembers one, for those who ask what became of it.
const KEPT_MS = 60 * 60 * 1000;

export interface InteractionDependencies {
  clock: Clock;
  newId: () => string;
  world: World;
  messages: Messages;
  applicationId: string;
  dispatch: (interaction: object) => void;
  changed: (interaction: Interaction) => void;
}

export function createInteractions(dependencies: InteractionDependencies): Interactions {
  const { clock, newId, world, messages, applicationId, dispatch, changed } = dependencies;
  const byId = new Map<string, Interaction>();
  const byToken = new Map<string, Interaction>();
  const timers = new Map<Interaction, { cancel: () => void; settle: () => void }>();

  function start(request: NewInteraction): Interaction {
    forgetOld();
    const { type, person, place, source, parent } = request;
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    const id = newId();
    const owners = ownersOf(person, place);
    const interaction: Interaction = {
      id,
      token: randomBytes(90).toString('base64url'),
      type,
      person,
      place,
      createdAt: clock.now(),
      state: 'pending',
      answeredAt: undefined,
      answering: false,
      original: undefined,
      source,
      modal: undefined,
      submit: undefined,
      choices: undefined,
      followUps: 0,
      owners,
      fileLimit: Math.max(person.fileLimit, place.guild?.fileLimit ?? 0),
      metadata: metadataOf(request, id, owners),
      // Whoever fills in a modal is still using the command that showed it.
      command: request.command ?? (request.type === InteractionType.ModalSubmit ? parent?.command : undefined),
      settled,
    };
    byId.set(id, interaction);
    byToken.set(interaction.token, interaction);
    const cancel = clock.after(FIRST_ANSWER_MS, () => settleAs(interaction, 'failed'));
    timers.set(interaction, { cancel, settle });
    changed(interaction);
    dispatch(payload(interaction, request.data, parent?.source ?? source));
    return interaction;
  }

  function settleAs(interaction: Interaction, state: 'answered' | 'failed') {
    interaction.state = state;
    const timer = timers.get(interaction);
    timer?.cancel();
    timer?.settle();
    timers.delete(interaction);
    changed(interaction);
  }

  function forgetOld() {
    for (const [id, interaction] of byId) {
      if (interaction.createdAt + KEPT_MS > clock.now()) break;
      byId.delete(id);
      byToken.delete(interaction.token);
    }
  }

  function ownersOf(person: Person, place: Place): APIAuthorizingIntegrationOwnersMap {
    if (!place.botIsMember) return { [ApplicationIntegrationType.UserInstall]: person.user.id };
    // In the direct message with the bot the guild owner is "0".
    return { [ApplicationIntegrationType.GuildInstall]: place.guild?.id ?? '0' };
  }

  function metadataOf(
    { type, person, source, parent, metadata }: NewInteraction,
    id: string,
    owners: APIAuthorizingIntegrationOwnersMap,
  ): APIMessageInteractionMetadata {
    const base = { id, user: person.user, authorizing_integration_owners: owners };
    if (type === InteractionType.MessageComponent) return { ...base, type, interacted_message_id: source?.id ?? '0' };
    if (type === InteractionType.ModalSubmit && parent && parent.metadata.type !== InteractionType.ModalSubmit) {
      return { ...base, type, triggering_interaction_metadata: parent.metadata };
    }
    const target = metadata && 'target_message_id' in metadata ? { target_message_id: metadata.target_message_id } : {};
    return { ...base, ...target, type: InteractionType.ApplicationCommand };
  }

  function payload(interaction: Interaction, data: object, source: Message | undefined) {
    const { id, token, type, person, place, owners, fileLimit } = interaction;
    const { guild } = place;
    const permissions = String(world.permissions(person, place));
    const member = guild && { ...world.member(person, guild), permissions };
    const channel = { ...world.channel(place), ...(guild ? { permissions } : {}) };
    return {
      id,
      application_id: applicationId,
      type,
      token,
      version: 1,
      data,
      channel_id: place.id,
      channel,
      ...(guild && member
        ? {
            guild_id: guild.id,
            guild: { id: guild.id, locale: Locale.EnglishUS, features: [] },
            guild_locale: Locale.EnglishUS,
            member,
          }
        : { user: person.user }),
      ...(source ? { message: messages.render(source) } : {}),
      locale: Locale.EnglishUS,
      app_permissions: String(place.botPermissions),
      entitlements: [],
      authorizing_integration_owners: owners,
      context: contextOf(place),
      attachment_size_limit: fileLimit,
    } satisfies Omit<APIBaseInteraction<InteractionType, unknown>, 'channel'> & { channel: object };
  }

  function pending(id: string, token: string): Interaction {
    const interaction = byId.get(id);
    if (!interaction || interaction.token !== token || interaction.state === 'failed') throw unknownInteraction();
    if (interaction.state === 'answered' || interaction.answering) throw alreadyAcknowledged();
    return interaction;
  }

  function answer(interaction: Interaction) {
    if (interaction.state === 'failed') throw unknownInteraction();
    interaction.answeredAt = clock.now();
    settleAs(interaction, 'answered');
  }

  function live(token: string): Interaction {
    const interaction = byToken.get(token);
    if (!interaction) throw invalidWebhookToken();
    if (interaction.createdAt + TOKEN_LIFE_MS <= clock.now()) throw invalidWebhookToken();
    if (interaction.state !== 'answered') throw unknownWebhook();
    return interaction;
  }

  function describe(interaction: Interaction): PlaygroundInteraction {
    const { id, person, place, state, answeredAt, createdAt, original } = interaction;
    const modal = openModal(interaction);
    return {
      id,
      user: person.user.id,
      channel: place.id,
      state,
      ...(answeredAt === undefined ? {} : { answeredAfterMs: answeredAt - createdAt }),
      ...(original ? { message: original.id } : {}),
      ...(modal ? { modal } : {}),
    };
  }

  return {
    start,
    find: (id) => byId.get(id),
    pending,
    answer,
    live,
    describe,
    close() {
      for (const { cancel, settle } of timers.values()) {
        cancel();
        settle();
      }
      timers.clear();
    },
  };
}

export function contextOf(place: Place): InteractionContextType {
  if (place.guild) return InteractionContextType.Guild;
  return place.kind === 'dm' ? InteractionContextType.BotDM : InteractionContextType.PrivateChannel;
}

/** Discord's apps say that something went wrong, and let a person send it again, where the bot did not answer in time. */
export function openModal({ modal, submit }: Interaction): Interaction['modal'] {
  return submit === undefined || submit.state === 'failed' ? modal : undefined;
}

export function isLoading(message: Message): boolean {
  return (message.flags & MessageFlags.Loading) !== 0;
}
