import { InteractionResponseType, InteractionType, MessageFlags, MessageType } from 'discord-api-types/v10';
import {
  ApplicationCommandAutocompleteCallbackRequestSchema,
  CreateMessageInteractionCallbackRequestSchema,
  IncomingWebhookRequestPartialSchema,
  IncomingWebhookUpdateRequestPartialSchema,
  ModalInteractionCallbackRequestSchema,
  UpdateMessageInteractionCallbackRequestSchema,
  type MessageBody,
} from 'discord-api-spec/zod';
import { z } from 'zod';
import { invalidForm, tooManyFollowUps, unknownMessage, unknownWebhook } from './discord-error.ts';
import type { Reply } from './http.ts';
import { isLoading, type Interaction, type Interactions } from './interactions.ts';
import type { Message, Messages } from './messages.ts';
import type { BotRoute, Call } from './rest.ts';
import { ok } from './rest-application.ts';
import { check, closed } from './schema.ts';
import type { World } from './world.ts';

const Autocomplete = closed(ApplicationCommandAutocompleteCallbackRequestSchema);
const CreateCallback = closed(CreateMessageInteractionCallbackRequestSchema);
const UpdateCallback = closed(UpdateMessageInteractionCallbackRequestSchema);
const ModalCallback = closed(ModalInteractionCallbackRequestSchema);
const WebhookCreate = closed(IncomingWebhookRequestPartialSchema);
const WebhookEdit = closed(IncomingWebhookUpdateRequestPartialSchema);
const CallbackType = z.object({ type: z.number() });

// As staff has named it for webhooks (issue 367 of Discord's documentation); per token, so per interaction.
const WEBHOOK = { limit: 5, windowMs: 2000 };
const MOST_CHOICES = 25;
const MOST_FOLLOW_UPS = 5;

const Answer = InteractionResponseType;
// Which answers each kind of interaction takes.
const ANSWERS: Record<number, readonly number[]> = {
  [InteractionType.ApplicationCommand]: [
    Answer.ChannelMessageWithSource,
    Answer.DeferredChannelMessageWithSource,
    Answer.Modal,
  ],
  [InteractionType.MessageComponent]: [
    Answer.ChannelMessageWithSource,
    Answer.DeferredChannelMessageWithSource,
    Answer.DeferredMessageUpdate,
    Answer.UpdateMessage,
    Answer.Modal,
  ],
  [InteractionType.ApplicationCommandAutocomplete]: [Answer.ApplicationCommandAutocompleteResult],
  [InteractionType.ModalSubmit]: [Answer.ChannelMessageWithSource, Answer.DeferredChannelMessageWithSource],
};

export interface InteractionRouteDependencies {
  applicationId: string;
  world: World;
  interactions: Interactions;
  messages: Messages;
}

/** Callbacks, and the webhook routes that go by an interaction's token. */
export function interactionRoutes({
  applicationId,
  world,
  interactions,
  messages,
}: InteractionRouteDependencies): BotRoute[] {
  async function callback(call: Call): Promise<Reply> {
    const interaction = interactions.pending(call.param('interaction'), call.param('token'));
    const { type } = check(CallbackType, call.json);
    const allowed = [...(ANSWERS[interaction.type] ?? [])];
    // A modal that was opened from a message may also change that message.
    if (interaction.type === InteractionType.ModalSubmit && interaction.source) allowed.push(6, 7);
    if (!allowed.includes(type)) {
      const message = `Value must be one of {${allowed.join(', ')}}.`;
      throw invalidForm({ path: ['type'], code: 'BASE_TYPE_CHOICES', message });
    }
    interaction.answering = true;
    const message = await carryOut(interaction, type, call).finally(() => {
      interaction.answering = false;
    });
    if (call.query.get('with_response') !== 'true') return { status: 204 };
    return ok({
      interaction: {
        id: interaction.id,
        type: interaction.type,
        ...(message
          ? {
              response_message_id: message.id,
              response_message_loading: isLoading(message),
              response_message_ephemeral: message.onlyFor !== undefined,
            }
          : {}),
      },
      resource: { type, ...(message && type !== 6 ? { message: messages.render(message) } : {}) },
    });
  }

  async function carryOut(interaction: Interaction, type: number, call: Call): Promise<Message | undefined> {
    if (type === 8) {
      const choices = check(Autocomplete, call.json).data?.choices ?? [];
      if (choices.length > MOST_CHOICES) {
        throw invalidForm({
          path: ['data', 'choices'],
          code: 'BASE_TYPE_MAX_LENGTH',
          message: 'Must be 25 or fewer in length.',
        });
      }
      interaction.choices = choices;
    } else if (type === 9) {
      interaction.modal = check(ModalCallback, call.json).data;
    } else if (type === 4 || type === 5) {
      const body = check(CreateCallback, call.json).data ?? {};
      // A defer takes the EPHEMERAL flag and nothing else (receiving and responding page).
      if (type === 5) interaction.original = await create(interaction, { flags: body.flags ?? 0 }, [], true);
      else interaction.original = await create(interaction, body, call.uploads);
    } else {
      const body = check(UpdateCallback, call.json).data ?? {};
      const { source } = interaction;
      if (!source) throw unknownMessage();
      if (type === 7) await edit(interaction, source, body, call);
      interaction.original = source;
    }
    interactions.answer(interaction);
    return type === 8 || type === 9 ? undefined : interaction.original;
  }

  function create(
    interaction: Interaction,
    body: MessageBody,
    uploads: Call['uploads'],
    loading = false,
  ): Promise<Message> {
    // No look at the channel's permissions: an answer may always have files and embeds (issue 5316 of Discord's documentation).
    const { person, place, fileLimit, type } = interaction;
    return messages.create({
      place,
      author: world.bot,
      body,
      uploads,
      fileLimit,
      onlyFor: ((body.flags ?? 0) & MessageFlags.Ephemeral) === 0 ? undefined : person,
      loading,
      metadata: interaction.metadata,
      command: interaction.command,
      webhook: applicationId,
      ...(type === InteractionType.ApplicationCommand ? { type: MessageType.ChatInputCommand } : {}),
    });
  }

  async function edit(
    interaction: Interaction,
    message: Message,
    body: MessageBody,
    call: Call,
    writing: 'edit' | 'follow-up' = 'edit',
  ) {
    const { fileLimit } = interaction;
    await messages.edit(message, { body, uploads: call.uploads, fileLimit, writing });
  }

  function live(call: Call): Interaction {
    if (call.param('application') !== applicationId) throw unknownWebhook();
    return interactions.live(call.param('token'));
  }

  function find(call: Call, interaction: Interaction): Message {
    const id = call.param('message');
    const { original, place } = interaction;
    const message = messages.find(place, id === '@original' ? (original?.id ?? '') : id);
    // After a click `@original` is the message with the button, also one that the bot's own token has made.
    if (!message || (message !== original && message.metadata?.id !== interaction.id)) throw unknownMessage();
    return message;
  }

  async function followUp(call: Call): Promise<Reply> {
    const interaction = live(call);
    const body = check(WebhookCreate, call.json);
    const { original } = interaction;
    if (original && isLoading(original) && messages.find(original.place, original.id)) {
      await edit(interaction, original, body, call, 'follow-up');
      return ok(messages.render(original));
    }
    if (!interaction.place.botIsMember) {
      if (interaction.followUps >= MOST_FOLLOW_UPS) throw tooManyFollowUps();
      interaction.followUps += 1;
    }
    const message = await create(interaction, body, call.uploads);
    // Without `wait=true` Discord answers 204; discord.js always asks for the message.
    return call.query.get('wait') === 'true' ? ok(messages.render(message)) : { status: 204 };
  }

  const common = { auth: 'interaction', limit: WEBHOOK, major: ['application', 'token'] } as const;
  const one = '/webhooks/{application}/{token}/messages/{message}';
  return [
    { auth: 'interaction', method: 'POST', path: '/interactions/{interaction}/{token}/callback', handle: callback },
    { ...common, method: 'POST', path: '/webhooks/{application}/{token}', handle: followUp },
    { ...common, method: 'GET', path: one, handle: (call) => ok(messages.render(find(call, live(call)))) },
    {
      ...common,
      method: 'PATCH',
      path: one,
      async handle(call) {
        const interaction = live(call);
        const message = find(call, interaction);
        await edit(interaction, message, check(WebhookEdit, call.json), call);
        return ok(messages.render(message));
      },
    },
    {
      ...common,
      method: 'DELETE',
      path: one,
      handle(call) {
        messages.remove(find(call, live(call)));
        return { status: 204 };
      },
    },
  ];
}
