// The package ships its zod schemas as plain JavaScript. What is read from them is declared here, in the types that the
// rest of the playground works with, so that a checked body needs no further look.
declare module 'discord-api-spec/zod' {
  import type {
    APIAllowedMentions,
    APIApplicationCommandOption,
    APIApplicationCommandOptionChoice,
    APIEmbed,
    APIMessageReferenceSend,
    APIMessageTopLevelComponent,
    APIModalInteractionResponseCallbackData,
    ApplicationCommandType,
    ApplicationIntegrationType,
    InteractionContextType,
    LocalizationMap,
    Snowflake,
  } from 'discord-api-types/v10';
  import type { $ZodType } from 'zod/v4/core';

  /** What a request may say about a message: the union of Discord's message requests. */
  export interface MessageBody {
    content?: string | null;
    embeds?: APIEmbed[] | null;
    components?: APIMessageTopLevelComponent[] | null;
    attachments?: AttachmentEntry[] | null;
    flags?: number | null;
    allowed_mentions?: APIAllowedMentions | null;
    message_reference?: APIMessageReferenceSend | null;
    nonce?: string | number;
    enforce_nonce?: boolean | null;
    tts?: boolean | null;
    poll?: unknown;
    sticker_ids?: Snowflake[] | null;
  }

  export interface AttachmentEntry {
    /** the `n` of `files[n]` of this request, or the id of a file that the message already has */
    id: string;
    filename?: string | null;
    description?: string | null;
    title?: string | null;
    is_spoiler?: boolean | null;
  }

  export interface CommandBody {
    name: string;
    type?: ApplicationCommandType | null;
    description?: string | null;
    name_localizations?: LocalizationMap | null;
    description_localizations?: LocalizationMap | null;
    options?: APIApplicationCommandOption[] | null;
    contexts?: InteractionContextType[] | null;
    integration_types?: ApplicationIntegrationType[] | null;
    default_member_permissions?: string | null;
    nsfw?: boolean | null;
  }

  export const ApplicationCommandCreateRequestSchema: $ZodType<CommandBody>;
  export const ApplicationCommandUpdateRequestSchema: $ZodType<CommandBody>;
  export const ApplicationCommandPatchRequestPartialSchema: $ZodType<Partial<CommandBody>>;
  export const ApplicationCommandAutocompleteCallbackRequestSchema: $ZodType<{
    type: 8;
    data?: { choices?: APIApplicationCommandOptionChoice[] | null };
  }>;
  export const CreateMessageInteractionCallbackRequestSchema: $ZodType<{ type: 4 | 5; data?: MessageBody | null }>;
  export const UpdateMessageInteractionCallbackRequestSchema: $ZodType<{ type: 6 | 7; data?: MessageBody | null }>;
  export const ModalInteractionCallbackRequestSchema: $ZodType<{
    type: 9;
    data: APIModalInteractionResponseCallbackData;
  }>;
  export const IncomingWebhookRequestPartialSchema: $ZodType<MessageBody>;
  export const IncomingWebhookUpdateRequestPartialSchema: $ZodType<MessageBody>;
  export const MessageCreateRequestSchema: $ZodType<MessageBody>;
  export const MessageEditRequestPartialSchema: $ZodType<MessageBody>;
  export const CreatePrivateChannelRequestSchema: $ZodType<{ recipient_id?: string | null }>;
}
