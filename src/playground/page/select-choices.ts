import { ComponentType, type APIMessageComponentEmoji, type APISelectMenuComponent } from 'discord-api-types/v10';
import type { SelectChoice } from './select-menu.ts';
import type { Chat } from './session.ts';

/** What a select menu offers: its own options, or the people and channels there are. */
export function choicesOf(select: APISelectMenuComponent, { server, me }: Chat): SelectChoice[] {
  if (select.type === ComponentType.StringSelect) {
    return select.options.map(({ value, label, description, emoji }) => ({
      value,
      label,
      description,
      emoji: emojiText(emoji),
    }));
  }
  if (select.type === ComponentType.ChannelSelect) {
    const visible = server.channels.filter(({ users }) => users.includes(me.id));
    return visible.map(({ id, name }) => ({ value: id, label: `#${name}` }));
  }
  if (select.type === ComponentType.RoleSelect) return [];
  return server.users.map(({ id, displayName, name }) => ({ value: id, label: displayName, description: name }));
}

/** What is chosen before anybody chose. */
export function defaultsOf(select: APISelectMenuComponent): string[] {
  if (select.type === ComponentType.StringSelect) {
    return select.options.filter((option) => option.default === true).map(({ value }) => value);
  }
  return select.default_values?.map(({ id }) => id) ?? [];
}

/** Pictures of custom emoji are on Discord's servers: their name stands for them. */
export function emojiText(emoji: Partial<APIMessageComponentEmoji> | undefined): string | undefined {
  if (emoji?.name === undefined || emoji.name === null) return undefined;
  return emoji.id === undefined || emoji.id === null ? emoji.name : `:${emoji.name}:`;
}
