import { html, nothing, type TemplateResult } from 'lit';
import type { APIUser } from 'discord-api-types/v10';
import { reachable } from './media.ts';
import type { Chat } from './session.ts';

/** A person or the bot, as the page shows them. */
export interface Face {
  readonly id: string;
  readonly name: string;
  readonly picture: string;
  readonly bot: boolean;
}

export function faceOf(user: APIUser, { server }: Chat): Face {
  const known = server.users.find(({ id }) => id === user.id);
  return {
    id: user.id,
    name: known?.displayName ?? user.global_name ?? user.username,
    picture:
      known === undefined ? (user.id === server.bot.user.id ? '/page/troupe.svg' : '') : reachable(known.avatarUrl),
    bot: user.bot === true,
  };
}

export function avatar(
  { name, picture }: Pick<Face, 'name' | 'picture'>,
  size: 'small' | 'large' = 'large',
): TemplateResult {
  return html`<span class="avatar ${size}" aria-hidden="true"
    >${picture === '' ? name.slice(0, 1).toUpperCase() : html`<img src=${picture} alt="" />`}</span
  >`;
}

export function appBadge({ bot }: Face): TemplateResult | typeof nothing {
  return bot ? html`<span class="app-badge">APP</span>` : nothing;
}
