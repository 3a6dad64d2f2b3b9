import type { APIApplication, APIUser } from 'discord-api-types/v10';
import {
  ApplicationCommandCreateRequestSchema,
  ApplicationCommandPatchRequestPartialSchema,
  ApplicationCommandUpdateRequestSchema,
} from 'discord-api-spec/zod';
import { unknownGuild, unauthorized, missingAccess } from './discord-error.ts';
import type { Registry } from './registry.ts';
import type { BotRoute, Call } from './rest.ts';
import { check, closed } from './schema.ts';
import type { World } from './world.ts';

const CommandCreate = closed(ApplicationCommandCreateRequestSchema);
const CommandUpdate = closed(ApplicationCommandUpdateRequestSchema);
const CommandPatch = closed(ApplicationCommandPatchRequestPartialSchema);

// Discord does not publish these numbers; a client reads them from the headers.
const COMMANDS = { limit: 5, windowMs: 5000 };
const READ = { limit: 10, windowMs: 5000 };

export interface ApplicationDependencies {
  applicationId: string;
  bot: APIUser;
  registry: Registry;
  world: World;
  gatewayUrl: () => string;
}

/** The bot's own account, the gateway's address, and its commands. */
export function applicationRoutes({
  applicationId,
  bot,
  registry,
  world,
  gatewayUrl,
}: ApplicationDependencies): BotRoute[] {
  /** The guild of a command route, `undefined` on the global ones. */
  function scope(call: Call): string | undefined {
    if (call.param('application') !== applicationId) throw unauthorized();
    const id = call.param('guild');
    if (id === '') return undefined;
    const guild = world.guilds.find((candidate) => candidate.id === id);
    if (!guild) throw unknownGuild();
    if (!guild.botIsMember) throw missingAccess();
    return id;
  }

  function commandRoutes(path: string): BotRoute[] {
    const common = { auth: 'bot', major: ['guild'] } as const;
    return [
      { ...common, limit: READ, method: 'GET', path, handle: (call) => ok(registry.list(scope(call))) },
      {
        ...common,
        limit: COMMANDS,
        method: 'POST',
        path,
        handle(call) {
          const { command, isNew } = registry.put(check(CommandCreate, call.json), scope(call));
          return { status: isNew ? 201 : 200, json: command };
        },
      },
      {
        ...common,
        limit: COMMANDS,
        method: 'PUT',
        path,
        handle(call) {
          const bodies = Array.isArray(call.json) ? call.json : [call.json];
          const guild = scope(call);
          return ok(
            registry.replace(
              bodies.map((body) => check(CommandUpdate, body)),
              guild,
            ),
          );
        },
      },
      {
        ...common,
        limit: READ,
        method: 'GET',
        path: `${path}/{command}`,
        handle: (call) => ok(registry.get(call.param('command'), scope(call))),
      },
      {
        ...common,
        limit: COMMANDS,
        method: 'PATCH',
        path: `${path}/{command}`,
        handle: (call) => ok(registry.patch(call.param('command'), check(CommandPatch, call.json), scope(call))),
      },
      {
        ...common,
        limit: COMMANDS,
        method: 'DELETE',
        path: `${path}/{command}`,
        handle(call) {
          registry.remove(call.param('command'), scope(call));
          return { status: 204 };
        },
      },
    ];
  }

  function gateway() {
    const session_start_limit = { total: 1000, remaining: 999, reset_after: 86_400_000, max_concurrency: 1 };
    return ok({ url: gatewayUrl(), shards: 1, session_start_limit });
  }

  return [
    { auth: 'bot', limit: READ, method: 'GET', path: '/gateway/bot', handle: gateway },
    {
      auth: 'bot',
      limit: READ,
      method: 'GET',
      path: '/users/@me',
      handle: () => ok({ ...bot, verified: true, mfa_enabled: false }),
    },
    {
      auth: 'bot',
      limit: READ,
      method: 'GET',
      path: '/applications/@me',
      handle: () => ok(application(applicationId, bot)),
    },
    ...commandRoutes('/applications/{application}/commands'),
    ...commandRoutes('/applications/{application}/guilds/{guild}/commands'),
  ];
}

export function ok(json: unknown) {
  return { status: 200, json };
}

function application(id: string, bot: APIUser) {
  return {
    id,
    name: bot.username,
    icon: null,
    description: '',
    bot_public: true,
    bot_require_code_grant: false,
    bot,
    summary: '',
    verify_key: '0'.repeat(64),
    team: null,
    flags: 0,
    flags_new: '0',
    interactions_endpoint_url: null,
  } satisfies Omit<APIApplication, 'flags'> & { flags: number };
}
