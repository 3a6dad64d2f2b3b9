import type { Logger } from '../../log.ts';

/** What is known of the account that pays. */
export interface SegmindAccount {
  /** credits that are left, as the last answer told; `undefined` before the first */
  readonly credits: number | undefined;
  /** milliseconds since the epoch: when that was */
  readonly at: number | undefined;
  /** fewer than the operator wants to be warned at, or too few for a run */
  readonly low: boolean;
}

export interface AccountOptions {
  /** whoever runs the bot is warned when fewer are left */
  readonly warnBelowCredits: number | undefined;
  readonly now: () => number;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

export function createAccount({ warnBelowCredits, now, log }: AccountOptions) {
  let account: SegmindAccount = { credits: undefined, at: undefined, low: false };
  return {
    get state(): SegmindAccount {
      return account;
    },
    /** @param header of an answer: `x-remaining-credits` */
    told(header: string | undefined): void {
      const credits = header === undefined || header.trim() === '' ? Number.NaN : Number(header);
      if (!Number.isFinite(credits)) return;
      const low = warnBelowCredits !== undefined && credits < warnBelowCredits;
      account = { credits, at: now(), low };
      if (low) log.warn({ credits, warnBelowCredits }, "Segmind's credits are running out");
      else log.debug({ credits }, "Segmind's credits");
    },
    /** A request was turned away for want of credits. */
    refused(): void {
      account = { ...account, at: now(), low: true };
      log.warn({ credits: account.credits }, 'Segmind has not enough credits for a run');
    },
  };
}
