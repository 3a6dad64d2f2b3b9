import { z } from 'zod';
import type { ChannelChange, GuildChange, UserChange } from '../api.ts';
import type { WorldChanges } from './changes.ts';
import type { Reply } from './http.ts';
import { parse, type PersonRoute } from './person-routes.ts';

const permission = z.boolean().optional();
const Channel = z.strictObject({
  botPermissions: z.strictObject({
    ViewChannel: permission,
    SendMessages: permission,
    AttachFiles: permission,
    ReadMessageHistory: permission,
  }),
}) satisfies z.ZodType<ChannelChange>;
const User = z.strictObject({ closedDms: z.boolean() }) satisfies z.ZodType<UserChange>;
const Guild = z.strictObject({
  botIsMember: z.boolean().optional(),
  premiumTier: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]).optional(),
}) satisfies z.ZodType<GuildChange>;
const done: Reply = { status: 204 };

/** The changes of the world, for a test or a script in another process. */
export function changeRoutes(changes: WorldChanges): PersonRoute[] {
  return [
    {
      method: 'DELETE',
      path: '/playground/channels/{channel}',
      handle(call) {
        changes.deleteChannel(call.param('channel'));
        return done;
      },
    },
    {
      method: 'PATCH',
      path: '/playground/channels/{channel}',
      handle(call) {
        changes.setBotPermissions(call.param('channel'), parse(Channel, call.body.json).botPermissions);
        return done;
      },
    },
    {
      method: 'PATCH',
      path: '/playground/users/{user}',
      handle(call) {
        changes.setClosedDms(call.param('user'), parse(User, call.body.json).closedDms);
        return done;
      },
    },
    {
      method: 'DELETE',
      path: '/playground/messages/{message}',
      handle(call) {
        changes.deleteMessage(call.param('message'));
        return done;
      },
    },
    {
      method: 'PATCH',
      path: '/playground/guilds/{guild}',
      handle(call) {
        const { botIsMember, premiumTier } = parse(Guild, call.body.json);
        const guild = call.param('guild');
        if (botIsMember !== undefined) changes.setBotMembership(guild, botIsMember);
        if (premiumTier !== undefined) changes.setPremiumTier(guild, premiumTier);
        return done;
      },
    },
  ];
}
