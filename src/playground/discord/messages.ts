import {
  MessageFlags,
  MessageReferenceType,
  MessageType,
  type APIMessage,
  type APIMessageInteractionMetadata,
  type APIUnfurledMediaItem,
  type APIUser,
} from 'discord-api-types/v10';
import type { MessageBody } from 'discord-api-spec/zod';
import type { Clock } from '../../clock.ts';
import type { Attachments, UploadedFile } from './attachments.ts';
import { finished, textOf } from './components.ts';
import { invalidForm, unknownChannel } from './discord-error.ts';
import { writeContent, type MessageContent, type Writing } from './message-content.ts';
import { createOldEdits } from './old-edits.ts';
import type { Person, Place, World } from './world.ts';

export interface Message extends MessageContent {
  id: string;
  place: Place;
  author: APIUser;
  /** the one person who sees it, where it is ephemeral */
  onlyFor: Person | undefined;
  type: MessageType;
  createdAt: number;
  editedAt: number | undefined;
  nonce: string | number | undefined;
  mentions: APIUser[];
  mentionsEveryone: boolean;
  reference: { id: string; message: Message | undefined } | undefined;
  /** the application whose interaction made it */
  webhook: string | undefined;
  metadata: APIMessageInteractionMetadata | undefined;
  /** the command that it answers */
  command: string | undefined;
  /** settled when no edit of it is under way */
  edits: Promise<void>;
}

interface NewMessage {
  place: Place;
  author: APIUser;
  body: MessageBody;
  uploads: readonly UploadedFile[];
  fileLimit: number;
  onlyFor?: Person | undefined;
  /** a deferred answer: no content yet */
  loading?: boolean;
  metadata?: APIMessageInteractionMetadata | undefined;
  command?: string | undefined;
  type?: MessageType;
  webhook?: string | undefined;
}

interface Edit {
  body: MessageBody;
  uploads: readonly UploadedFile[];
  fileLimit: number;
  writing: Writing;
}

export type MessageChange = 'message-created' | 'message-updated' | 'message-deleted';

export interface Messages {
  create(message: NewMessage): Promise<Message>;
  edit(message: Message, change: Edit): Promise<void>;
  remove(message: Message): void;
  /** Everything in a channel that is deleted; returns what was there. */
  removeAll(place: Place): Message[];
  find(place: Place, id: string): Message | undefined;
  /** oldest first; what `viewer` sees, or, for the bot's own token, everything that is not ephemeral */
  list(place: Place, viewer?: Person): Message[];
  /** without the nonce, which only the answer to its creation and MESSAGE_CREATE tell */
  render(message: Message): APIMessage;
}

// A channel keeps this many; the playground may run for weeks.
const MOST_PER_CHANNEL = 2000;

export function createMessages({
  clock,
  newId,
  attachments,
  world,
  changed,
}: {
  clock: Clock;
  newId: () => string;
  attachments: Attachments;
  world: World;
  changed: (change: MessageChange, message: Message) => void;
}): Messages {
  const channels = new Map<string, Map<string, Message>>();
  const oldEdits = createOldEdits({ clock });

  function channel(place: Place): Map<string, Message> {
    let messages = channels.get(place.id);
    if (!messages) channels.set(place.id, (messages = new Map()));
    return messages;
  }

  async function create(request: NewMessage): Promise<Message> {
    const { place, author, body, uploads, fileLimit, onlyFor, loading = false } = request;
    const folder = `attachments/${place.id}`;
    const empty = { content: '', embeds: [], components: [], files: [], flags: 0 };
    const content = loading
      ? { ...empty, flags: MessageFlags.Loading }
      : await writeContent(attachments, { body, uploads, writing: 'create', fileLimit, folder });
    if (!world.exists(place)) {
      for (const file of content.files) attachments.forget(file);
      // Inferred: Discord does not say what an interaction of a deleted channel is answered.
      throw unknownChannel();
    }
    const flags = content.flags & ~MessageFlags.Ephemeral;
    const reference = referenceOf(place, body);
    const replies = reference ? MessageType.Reply : MessageType.Default;
    const message: Message = {
      ...content,
      flags: onlyFor ? flags | MessageFlags.Ephemeral : flags,
      id: newId(),
      place,
      author,
      onlyFor,
      type: request.type ?? replies,
      createdAt: clock.now(),
      editedAt: undefined,
      nonce: body.nonce,
      ...mentionsOf(content, body, reference?.message),
      reference,
      webhook: request.webhook,
      metadata: request.metadata,
      command: request.command,
      edits: Promise.resolve(),
    };
    const messages = channel(place);
    messages.set(message.id, message);
    for (const oldest of messages.values()) {
      if (messages.size <= MOST_PER_CHANNEL) break;
      messages.delete(oldest.id);
      for (const file of oldest.files) attachments.forget(file);
    }
    changed('message-created', message);
    return message;
  }

  function referenceOf(place: Place, body: MessageBody): Message['reference'] {
    const id = body.message_reference?.message_id;
    if (id === undefined) return undefined;
    const message = channel(place).get(id);
    if (!message && body.message_reference?.fail_if_not_exists !== false) {
      const problem = {
        path: ['message_reference'],
        code: 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE',
        message: 'Unknown message',
      };
      throw invalidForm(problem);
    }
    return { id: id, message };
  }

  function mentionsOf(content: MessageContent, body: MessageBody, replied: Message | undefined) {
    const allowed = body.allowed_mentions;
    const kinds: readonly string[] = allowed ? (allowed.parse ?? []) : ['users', 'everyone'];
    const text = `${content.content}\n${textOf(content.components)}`;
    const named = new Set(Array.from(text.matchAll(/<@!?(\d+)>/gu), ([, id]) => id));
    const listed = new Set<string>(allowed?.users ?? []);
    const mentions = [world.bot, ...world.people().map(({ user }) => user)].filter(
      ({ id }) =>
        (named.has(id) && (kinds.includes('users') || listed.has(id))) ||
        (replied?.author.id === id && (allowed ? allowed.replied_user === true : true)),
    );
    return { mentions, mentionsEveryone: kinds.includes('everyone') && /@(?:everyone|here)\b/u.test(text) };
  }

  /** One after the other: each builds on what the one before has left. */
  async function edit(message: Message, change: Edit): Promise<void> {
    oldEdits.count(message);
    const done = message.edits.then(() => applyEdit(message, change));
    message.edits = done.catch(() => {});
    return done;
  }

  async function applyEdit(message: Message, { body, uploads, fileLimit, writing }: Edit) {
    const previous = { ...message, flags: message.flags & ~MessageFlags.Loading };
    const content = await writeContent(attachments, {
      body,
      uploads,
      previous,
      writing,
      fileLimit,
      folder: `attachments/${message.place.id}`,
    });
    // Deleted while its pictures were measured: there is nothing left to edit.
    if (find(message.place, message.id) !== message) return;
    Object.assign(message, content, mentionsOf(content, body, message.reference?.message));
    if ((message.flags & MessageFlags.Loading) === 0) message.editedAt = clock.now();
    changed('message-updated', message);
  }

  function remove(message: Message) {
    channel(message.place).delete(message.id);
    for (const file of message.files) attachments.forget(file);
    changed('message-deleted', message);
  }

  function removeAll(place: Place): Message[] {
    const removed = [...channel(place).values()];
    channels.delete(place.id);
    for (const { files } of removed) for (const file of files) attachments.forget(file);
    return removed;
  }

  function find(place: Place, id: string) {
    return channel(place).get(id);
  }

  function list(place: Place, viewer?: Person): Message[] {
    return [...channel(place).values()].filter(({ onlyFor }) => !onlyFor || onlyFor === viewer);
  }

  function render(message: Message): APIMessage {
    const v2 = (message.flags & MessageFlags.IsComponentsV2) !== 0;
    return {
      id: message.id,
      channel_id: message.place.id,
      author: message.author,
      content: message.content,
      timestamp: new Date(message.createdAt).toISOString(),
      edited_timestamp: message.editedAt === undefined ? null : new Date(message.editedAt).toISOString(),
      tts: false,
      mention_everyone: message.mentionsEveryone,
      mentions: message.mentions,
      mention_roles: [],
      // A V2 message tells of its files only through its components (issue 8277 of Discord's documentation).
      attachments: v2 ? [] : message.files.map(attachments.describe),
      embeds: message.embeds,
      components: finished(
        message.components,
        (item) => mediaItem(message, item),
        (item) => fileDetails(message, item),
      ),
      pinned: false,
      type: message.type,
      ...(isFlags(message.flags) ? { flags: message.flags } : {}),
      ...(message.webhook === undefined ? {} : { webhook_id: message.webhook, application_id: message.webhook }),
      ...(message.metadata ? { interaction_metadata: message.metadata } : {}),
      ...(message.metadata && message.command !== undefined
        ? { interaction: commandOf(message.metadata, message.command) }
        : {}),
      ...(message.reference ? referenceFields(message, message.reference) : {}),
    };
  }

  function referenceFields({ place }: Message, { id, message }: NonNullable<Message['reference']>) {
    const guild = place.guild ? { guild_id: place.guild.id } : {};
    return {
      message_reference: { type: MessageReferenceType.Default, message_id: id, channel_id: place.id, ...guild },
      referenced_message: message && find(place, id) ? { ...render({ ...message, reference: undefined }) } : null,
    };
  }

  function mediaItem(message: Message, item: APIUnfurledMediaItem): APIUnfurledMediaItem {
    const file = message.files.find(({ id }) => id === item.attachment_id);
    if (!file) return { url: item.url, proxy_url: item.url };
    const { url, proxy_url } = attachments.describe(file);
    return {
      url,
      proxy_url,
      content_type: file.mediaType,
      attachment_id: file.id,
      width: file.width ?? null,
      height: file.height ?? null,
    };
  }

  function fileDetails(message: Message, item: APIUnfurledMediaItem) {
    const file = message.files.find(({ id }) => id === item.attachment_id);
    return file ? { name: file.filename, size: file.size } : {};
  }

  return { create, edit, remove, removeAll, find, list, render };
}

/** The older form of the metadata, which alone has the command's name. */
function commandOf({ id, type, user }: APIMessageInteractionMetadata, name: string) {
  return { id, type, user, name };
}

function isFlags(bits: number): bits is MessageFlags {
  return Number.isSafeInteger(bits);
}
