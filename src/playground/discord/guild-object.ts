import {
  GuildDefaultMessageNotifications,
  GuildExplicitContentFilter,
  GuildMFALevel,
  GuildNSFWLevel,
  GuildSystemChannelFlags,
  GuildVerificationLevel,
  Locale,
  type APIGuild,
  type APIRole,
} from 'discord-api-types/v10';
import type { PremiumTier } from '../api.ts';

export interface GuildFacts {
  id: string;
  name: string;
  owner: string;
  premiumTier: PremiumTier;
  everyone: bigint;
  moderators: { role: string; permissions: bigint };
}

// How many boosts each tier takes (Discord's help pages); the schema wants the number.
const BOOSTS = { 0: 0, 1: 2, 2: 7, 3: 14 };

/** A guild as Discord's REST interface tells of it: all that its schema requires. */
export function guildObject({ id, name, owner, premiumTier, everyone, moderators }: GuildFacts) {
  return {
    id,
    name,
    icon: null,
    splash: null,
    banner: null,
    description: null,
    discovery_splash: null,
    home_header: null,
    owner_id: owner,
    region: 'deprecated',
    afk_channel_id: null,
    afk_timeout: 300,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: GuildVerificationLevel.None,
    default_message_notifications: GuildDefaultMessageNotifications.OnlyMentions,
    explicit_content_filter: GuildExplicitContentFilter.Disabled,
    roles: [role(id, '@everyone', everyone, 0), role(moderators.role, 'Moderator', moderators.permissions, 1)],
    emojis: [],
    stickers: [],
    features: [],
    mfa_level: GuildMFALevel.None,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: GuildSystemChannelFlags.SuppressJoinNotifications,
    rules_channel_id: null,
    max_presences: null,
    max_members: 25_000_000,
    max_video_channel_users: 25,
    max_stage_video_channel_users: 50,
    vanity_url_code: null,
    premium_tier: premiumTier,
    premium_subscription_count: BOOSTS[premiumTier],
    preferred_locale: Locale.EnglishUS,
    public_updates_channel_id: null,
    nsfw: false,
    nsfw_level: GuildNSFWLevel.Default,
    premium_progress_bar_enabled: false,
    hub_type: null,
    safety_alerts_channel_id: null,
    incidents_data: null,
  } satisfies Omit<APIGuild, 'roles' | 'premium_tier'> & {
    roles: object[];
    premium_tier: PremiumTier;
    home_header: null;
    nsfw: boolean;
  };
}

function role(id: string, name: string, permissions: bigint, position: number) {
  return {
    id,
    name,
    permissions: String(permissions),
    position,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    managed: false,
    mentionable: false,
    flags: 0,
  } satisfies Omit<APIRole, 'flags'> & { flags: number };
}
