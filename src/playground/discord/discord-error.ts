/** An error in the shape that Discord answers with. Codes: the opcodes and status codes page of Discord's documentation. */
export class DiscordError extends Error {
  override name = 'DiscordError';
  readonly status: number;
  readonly code: number;
  readonly problems: readonly Problem[];
  /** for a limit that is not of the route: when to try again */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    code: number,
    message: string,
    { problems = [], retryAfterMs }: { problems?: readonly Problem[]; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One wrong place in a request's body. */
export interface Problem {
  path: readonly (string | number)[];
  code: string;
  message: string;
}

export const unauthorized = () => new DiscordError(401, 0, '401: Unauthorized');
export const unknownChannel = () => new DiscordError(404, 10003, 'Unknown Channel');
export const unknownGuild = () => new DiscordError(404, 10004, 'Unknown Guild');
export const unknownMessage = () => new DiscordError(404, 10008, 'Unknown Message');
export const unknownUser = () => new DiscordError(404, 10013, 'Unknown User');
export const unknownWebhook = () => new DiscordError(404, 10015, 'Unknown Webhook');
export const unknownInteraction = () => new DiscordError(404, 10062, 'Unknown interaction');
export const unknownCommand = () => new DiscordError(404, 10063, 'Unknown application command');
export const tooManyAttachments = () =>
  new DiscordError(400, 30015, 'Maximum number of attachments in a message reached (10)');
export const tooManyOldEdits = (retryAfterMs: number) =>
  new DiscordError(429, 30046, 'Maximum number of edits to messages older than 1 hour reached. Try again later', {
    retryAfterMs,
  });
export const tooLarge = () => new DiscordError(413, 40005, 'Request entity too large');
export const alreadyAcknowledged = () => new DiscordError(400, 40060, 'Interaction has already been acknowledged.');
export const tooManyFollowUps = () =>
  new DiscordError(400, 40094, 'This interaction has reached the maximum number of follow-up messages.');
export const missingAccess = () => new DiscordError(403, 50001, 'Missing Access');
export const notTheAuthor = () => new DiscordError(403, 50005, 'Cannot edit a message authored by another user');
export const emptyMessage = () => new DiscordError(400, 50006, 'Cannot send an empty message');
export const closedDms = () => new DiscordError(403, 50007, 'Cannot send messages to this user');
export const missingPermissions = () => new DiscordError(403, 50013, 'Missing Permissions');
export const invalidWebhookToken = () => new DiscordError(401, 50027, 'Invalid Webhook Token');
export const invalidJson = () => new DiscordError(400, 50109, 'The request body contains invalid JSON.');
export const noMutualGuild = () =>
  new DiscordError(403, 50278, 'Cannot send messages to this user due to having no mutual guilds');
export const invalidForm = (...problems: Problem[]) => new DiscordError(400, 50035, 'Invalid Form Body', { problems });

interface ErrorTree {
  [key: string]: ErrorTree | { code: string; message: string }[];
}

interface ErrorBody {
  message: string;
  code: number;
  errors?: ErrorTree;
  retry_after?: number;
  global?: boolean;
}

/** The JSON of an error; problems become the tree that ends in `_errors` lists. */
export function errorBody(error: DiscordError): ErrorBody {
  const waiting = error.retryAfterMs === undefined ? {} : { retry_after: error.retryAfterMs / 1000, global: false };
  const body = { message: error.message, code: error.code, ...waiting };
  if (error.problems.length === 0) return body;
  const errors: ErrorTree = Object.create(null);
  for (const { path, code, message } of error.problems) {
    let node = errors;
    for (const key of path) {
      const next = node[key];
      if (next && !Array.isArray(next)) node = next;
      else node = node[key] = Object.create(null);
    }
    const list = node['_errors'];
    if (Array.isArray(list)) list.push({ code, message });
    else node['_errors'] = [{ code, message }];
  }
  return { ...body, errors };
}
