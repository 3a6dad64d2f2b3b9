import { MessageFlags, type APIEmbed, type APIMessageTopLevelComponent } from 'discord-api-types/v10';
import type { AttachmentEntry, MessageBody } from 'discord-api-spec/zod';
import type { Attachments, StoredFile, UploadedFile } from './attachments.ts';
import { sanitizedName } from './attachments.ts';
import { componentProblems, finished, mediaOf } from './components.ts';
import { emptyMessage, invalidForm, tooLarge, tooManyAttachments, type Problem } from './discord-error.ts';

/** What a message says. `attachment_id` in a media item points into `files`; its address is made when it is read. */
export interface MessageContent {
  content: string;
  embeds: APIEmbed[];
  components: APIMessageTopLevelComponent[];
  files: StoredFile[];
  flags: number;
}

/**
 * - `create`: a new message
 * - `edit`: a PATCH
 * - `follow-up`: the POST right after a defer, which Discord carries out as an edit of the deferred answer
 */
export type Writing = 'create' | 'edit' | 'follow-up';

export interface ContentRequest {
  body: MessageBody;
  uploads: readonly UploadedFile[];
  previous?: MessageContent | undefined;
  writing: Writing;
  /** bytes a file may have here */
  fileLimit: number;
  folder: string;
}

const MOST_FILES = 10;
const MOST_CONTENT = 2000;
const MOST_EMBED_TEXT = 6000;
// What an app may set on a message of its own; the other flags are Discord's.
const SETTABLE =
  MessageFlags.SuppressEmbeds |
  MessageFlags.SuppressNotifications |
  MessageFlags.Ephemeral |
  MessageFlags.IsComponentsV2;

interface Upload {
  file: UploadedFile;
  entry: AttachmentEntry | undefined;
  name: string;
}

/** Applies a request to what a message says, by Discord's rules. Throws the error that Discord would answer. */
export async function writeContent(attachments: Attachments, request: ContentRequest): Promise<MessageContent> {
  const { body, previous, fileLimit, folder } = request;
  const flags = flagsAfter(body.flags, previous?.flags);
  const v2 = (flags & MessageFlags.IsComponentsV2) !== 0;
  const { kept, uploads } = filesOf(request);
  if (kept.length + uploads.length > MOST_FILES) throw tooManyAttachments();
  if (uploads.some(({ file }) => file.bytes.length > fileLimit)) throw tooLarge();

  const content = body.content === undefined ? (previous?.content ?? '') : (body.content ?? '');
  const embeds = body.embeds === undefined ? (previous?.embeds ?? []) : (body.embeds ?? []);
  const components = body.components === undefined ? (previous?.components ?? []) : (body.components ?? []);
  const problems = [...textProblems(content, embeds), ...(v2 ? legacyProblems(body, content, embeds) : [])];
  if (body.components) problems.push(...componentProblems(components, v2), ...mediaProblems(request, kept, uploads));
  if (problems.length > 0) throw invalidForm(...problems);
  const lines = v2 ? components.length : content.length + embeds.length + components.length;
  if (lines === 0 && (v2 || kept.length + uploads.length === 0)) throw emptyMessage();

  const stored = await Promise.all(
    uploads.map(({ file, entry }) =>
      attachments.keep(file, folder, { ...entry, spoiler: entry?.is_spoiler, filename: entry?.filename ?? file.name }),
    ),
  );
  const files = [...kept, ...stored];
  if (previous) {
    for (const file of previous.files) if (!files.some(({ id }) => id === file.id)) attachments.forget(file);
  }
  if (!body.components) return { content, embeds, components, files, flags };
  // A name that was uploaded twice means the newer file.
  const byName = new Map(files.map((file) => [file.filename, file]));
  const resolved = finished(components, (item) => {
    const file = byName.get(attachmentName(item.url) ?? '');
    return file ? { url: item.url, attachment_id: file.id } : { url: item.url };
  });
  return { content, embeds, components: resolved, files, flags };
}

function flagsAfter(asked: number | null | undefined, before: number | undefined): number {
  if (asked === undefined || asked === null) return before ?? 0;
  if (before === undefined) return asked & SETTABLE;
  // Once set it stays (components reference, IS_COMPONENTS_V2), and a private message stays private.
  if (before & ~asked & MessageFlags.IsComponentsV2) {
    const message = 'The IS_COMPONENTS_V2 flag cannot be removed from a message';
    throw invalidForm({ path: ['flags'], code: 'MESSAGE_COMPONENTS_V2_FLAG_IRREVERSIBLE', message });
  }
  const changeable = MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2;
  return (before & ~MessageFlags.SuppressEmbeds) | (asked & changeable);
}

function filesOf({ body, uploads, previous }: ContentRequest): { kept: StoredFile[]; uploads: Upload[] } {
  const entries = body.attachments ?? undefined;
  const used = new Set<AttachmentEntry>();
  const found = uploads.map((file): Upload => {
    const index = /^files\[(\d+)\]$/u.exec(file.field)?.[1];
    const entry = entries?.find(({ id }) => id === index);
    if (entry) used.add(entry);
    return { file, entry, name: sanitizedName(entry?.filename ?? file.name) };
  });
  if (body.attachments === undefined) return { kept: previous?.files ?? [], uploads: found };
  const kept: StoredFile[] = [];
  for (const [index, entry] of (entries ?? []).entries()) {
    if (used.has(entry)) continue;
    const file = previous?.files.find(({ id }) => id === entry.id);
    if (!file) {
      const message = `Attachment ${entry.id} is neither uploaded with this request nor part of the message`;
      throw invalidForm({ path: ['attachments', index, 'id'], code: 'MESSAGE_ATTACHMENT_NOT_FOUND', message });
    }
    kept.push({ ...file, description: entry.description ?? file.description });
  }
  return { kept, uploads: found };
}

function textProblems(content: string, embeds: readonly APIEmbed[]): Problem[] {
  const problems: Problem[] = [];
  if (content.length > MOST_CONTENT) {
    problems.push({ path: ['content'], code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' });
  }
  const texts = embeds.flatMap((embed) => [
    embed.title,
    embed.description,
    embed.footer?.text,
    embed.author?.name,
    ...(embed.fields ?? []).flatMap(({ name, value }) => [name, value]),
  ]);
  if (texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) > MOST_EMBED_TEXT) {
    problems.push({
      path: ['embeds'],
      code: 'MAX_EMBED_SIZE_EXCEEDED',
      message: 'Embed size exceeds 6000 characters.',
    });
  }
  return problems;
}

/** A V2 message has components only; on the edit that makes it one, what was there must be cleared. */
function legacyProblems(body: MessageBody, content: string, embeds: readonly APIEmbed[]): Problem[] {
  const present = {
    content: content !== '',
    embeds: embeds.length > 0,
    poll: body.poll !== undefined && body.poll !== null,
    sticker_ids: (body.sticker_ids?.length ?? 0) > 0,
  };
  return Object.entries(present)
    .filter(([, there]) => there)
    .map(([field]) => ({
      path: [field],
      code: 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
      message: `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
    }));
}

function attachmentName(url: string): string | undefined {
  return url.startsWith('attachment://') ? url.slice('attachment://'.length) : undefined;
}

/**
 * `attachment://` in a new message means any file that comes with it. In an edit it means what the `attachments` array
 * names: a new file by its entry, a kept one by an entry with id and filename. The follow-up that is carried out as an
 * edit finds no new file at all (issue 7529 of Discord's documentation, and what libraries found since).
 */
function mediaProblems({ body, writing }: ContentRequest, kept: StoredFile[], uploads: Upload[]): Problem[] {
  const named = new Set<string>();
  if (writing === 'create') for (const { name } of uploads) named.add(name);
  if (writing === 'edit') {
    for (const { name, entry } of uploads) if (entry) named.add(name);
    const entries = body.attachments ?? [];
    for (const file of kept) {
      if (entries.some(({ id, filename }) => id === file.id && filename === file.filename)) named.add(file.filename);
    }
  }
  const problems: Problem[] = [];
  for (const { path, value } of mediaOf(body.components ?? [])) {
    const name = attachmentName(value.url);
    const onlyAttachment = path.at(-1) === 'file';
    if (name === undefined ? !onlyAttachment && /^https?:\/\//u.test(value.url) : named.has(name)) continue;
    problems.push({
      path: [...path, 'url'],
      code:
        name === undefined ? 'UNFURLED_MEDIA_ITEM_INVALID_URL' : 'UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND',
      message: `${value.url.slice(0, 200)} does not name a file of this message`,
    });
  }
  return problems;
}
