import type { GuildPremiumTier } from 'discord-api-types/v10';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Port } from './port.ts';

/** How large a file may be, bytes, where no interaction says it: what a person pays for counts only in answers to them. */
export interface FileLimits {
  readonly standard: number;
  /** Never fails: what cannot be learnt is the standard. */
  ofGuild(guild: string | undefined): Promise<number>;
}

const MIB = 1024 * 1024;

/** 20 MiB for every message since 2026-09-04 (discord-api-docs PR #8578). */
const STANDARD = 20 * MIB;
/** The API names no numbers for boosts; these are of Discord's support pages. */
const BY_TIER: Readonly<Record<GuildPremiumTier, number>> = { 0: STANDARD, 1: STANDARD, 2: 50 * MIB, 3: 100 * MIB };

/** A boost that ends is noticed late; until then a file is refused and made smaller. */
const KEPT_MS = 10 * 60_000;

export function createFileLimits(port: Pick<Port, 'premiumTier'>, clock: Clock, log: Logger): FileLimits {
  const known = new Map<string, { readonly bytes: number; readonly until: number }>();
  return {
    standard: STANDARD,
    async ofGuild(guild) {
      if (guild === undefined) return STANDARD;
      const kept = known.get(guild);
      if (kept && clock.now() < kept.until) return kept.bytes;
      const bytes = await port.premiumTier(guild).then(
        (tier) => BY_TIER[tier],
        (error: unknown) => {
          log.debug({ guild, error }, 'The limit of files of a server is not known');
          return STANDARD;
        },
      );
      known.set(guild, { bytes, until: clock.now() + KEPT_MS });
      return bytes;
    },
  };
}
