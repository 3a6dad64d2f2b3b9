import { z } from 'zod';

/**
 * What a reply has to remember, so that the next process can go on with it: where it is, which ways to the person are
 * still open, and what arrived by them. It is kept with its job as JSON.
 */

/**
 * The ways to a person, in the order in which they are tried: the reply by the interaction's token, the same message by
 * the bot's own, a new message in the channel, a direct message.
 */
const Way = z.enum(['token', 'message', 'channel', 'direct']);
export type Way = z.infer<typeof Way>;

const Call = z.object({ id: z.string(), application: z.string(), token: z.string() });

/** One message of a result that has arrived. */
const Part = z.object({
  way: Way,
  /** absent by the token, which needs none */
  channel: z.string().exactOptional(),
  message: z.string(),
  /** of the result's files, which comes first in the part after this one */
  to: z.number(),
});

/** A new message that was sent without our knowing whether it arrived. */
const Sending = z.object({ part: z.string(), way: Way, channel: z.string(), at: z.number(), to: z.number() });
export type Sending = z.infer<typeof Sending>;

const Note = z.object({
  /** the id of the interaction that it all began with */
  origin: z.string(),
  /** of which the token is: the newest press of *Show result* gives a fresh one */
  call: Call,
  /** when the token is dead, milliseconds since the epoch */
  tokenUntil: z.number(),
  user: z.string(),
  channel: z.string(),
  guild: z.string().exactOptional(),
  /** whether the bot itself may act there, and not only answer */
  botIsMember: z.boolean(),
  visibility: z.enum(['public', 'private']),
  /** the interaction's `attachment_size_limit`, bytes: ends with its token */
  fileLimit: z.number(),
  /** the reply's own id, where Discord told it */
  message: z.string().exactOptional(),
  /** of the direct messages with the user, where they were opened */
  directChannel: z.string().exactOptional(),
  /** the long texts of a form by their options, while there is no job that has them */
  typed: z
    .array(z.tuple([z.string(), z.string()]))
    .readonly()
    .exactOptional(),
  /** ways that were refused for good */
  closed: z.array(Way),
  /** how often Discord found the files too large or too many */
  squeezed: z.number(),
  /** since when there is something that has to arrive */
  since: z.number().exactOptional(),
  sending: z.array(Sending),
  parts: z.array(Part),
});
export type ReplyNote = z.infer<typeof Note>;

/** What a person typed into a form: by option, in its order. */
export type Typed = NonNullable<ReplyNote['typed']>;

/** receiving-and-responding.mdx: 15 minutes. */
const TOKEN_LIFE_MS = 15 * 60_000;

/** What is known of a reply when its interaction comes. */
interface Begin extends Pick<
  ReplyNote,
  'call' | 'user' | 'channel' | 'guild' | 'botIsMember' | 'visibility' | 'fileLimit' | 'typed'
> {
  readonly now: number;
}

export function beginNote({ now, ...place }: Begin): ReplyNote {
  return {
    ...place,
    origin: place.call.id,
    tokenUntil: now + TOKEN_LIFE_MS,
    closed: [],
    squeezed: 0,
    sending: [],
    parts: [],
  };
}

/** An interaction whose token can stand for the old one's. */
export interface FreshCall extends Pick<ReplyNote, 'call' | 'fileLimit' | 'message'> {
  readonly now: number;
}

/** The note with another token: what was closed with the old one is open again. */
export function renewNote(note: ReplyNote, { now, ...fresh }: FreshCall): ReplyNote {
  return {
    ...note,
    ...fresh,
    tokenUntil: now + TOKEN_LIFE_MS,
    closed: note.closed.filter((way) => way !== 'token' && way !== 'message'),
  };
}

/** A note that cannot be read leaves one way: who it was is known by the job. */
export function readNote(json: string, user: string): ReplyNote {
  const read = Note.safeParse(parseJson(json));
  if (read.success) return read.data;
  const call = { id: '0', application: '0', token: '' };
  const nowhere = { call, user, channel: '', botIsMember: false, visibility: 'private', fileLimit: 0 } as const;
  return { ...beginNote({ ...nowhere, now: 0 }), closed: ['token', 'message', 'channel'] };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
