import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import {
  ButtonStyle,
  ComponentType,
  SeparatorSpacingSize,
  type APIButtonComponent,
  type APIContainerComponent,
  type APIMessage,
  type APIMessageComponent,
  type APISectionComponent,
  type APISelectMenuComponent,
  type APIThumbnailComponent,
  type APIUnfurledMediaItem,
} from 'discord-api-types/v10';
import { fileView } from './attachments-view.ts';
import './gallery.ts';
import { openIcon } from './icons.ts';
import { markdown } from './markdown-view.ts';
import { accentStyle, fileNameOf, kindOf, reachable, type Media } from './media.ts';
import { choicesOf, defaultsOf, emojiText } from './select-choices.ts';
import './select-menu.ts';
import type { Chat } from './session.ts';

/** One component of a message, and those inside it. A kind that is not known is named, never left out silently. */
export function componentView(component: APIMessageComponent, message: APIMessage, chat: Chat): TemplateResult {
  switch (component.type) {
    case ComponentType.Container:
      return container(component, message, chat);
    case ComponentType.TextDisplay:
      return markdown(component.content, chat);
    case ComponentType.MediaGallery: {
      const items = component.items.map((item) => mediaOf(item.media, item.description, item.spoiler));
      return html`<media-gallery .items=${items}></media-gallery>`;
    }
    case ComponentType.Section:
      return section(component, message, chat);
    case ComponentType.Thumbnail:
      return thumbnail(component);
    case ComponentType.Separator: {
      const large = component.spacing === SeparatorSpacingSize.Large;
      const line = component.divider !== false;
      return html`<hr
        class="separator"
        ?data-large=${large}
        ?data-line=${line}
        aria-hidden=${line ? nothing : 'true'}
      />`;
    }
    case ComponentType.File:
      return fileView({
        name: component.name ?? fileNameOf(component.file.url),
        mediaType: component.file.content_type ?? undefined,
        size: component.size,
        url: component.file.url,
        spoiler: component.spoiler ?? false,
      });
    case ComponentType.ActionRow:
      return html`<div class="action-row">
        ${component.components.map((each) => componentView(each, message, chat))}
      </div>`;
    case ComponentType.Button:
      return button(component, message, chat);
    case ComponentType.StringSelect:
    case ComponentType.UserSelect:
    case ComponentType.RoleSelect:
    case ComponentType.MentionableSelect:
    case ComponentType.ChannelSelect:
      return select(component, message, chat);
    default:
      return unknown(component);
  }
}

function unknown({ type }: { type: number }): TemplateResult {
  return html`<p class="unknown">This page cannot show components of type ${type}.</p>`;
}

function container(component: APIContainerComponent, message: APIMessage, chat: Chat): TemplateResult {
  const { accent_color: accent, components, spoiler } = component;
  const inner = html`<div class="container" ?data-accent=${typeof accent === 'number'} .style=${accentStyle(accent)}>
    ${components.map((each) => componentView(each, message, chat))}
  </div>`;
  return spoiler === true ? html`<spoiler-text class="block" .content=${inner}></spoiler-text>` : inner;
}

function section(component: APISectionComponent, message: APIMessage, chat: Chat): TemplateResult {
  return html`<div class="section">
    <div class="section-text">${component.components.map((each) => componentView(each, message, chat))}</div>
    <div class="section-accessory">${componentView(component.accessory, message, chat)}</div>
  </div>`;
}

function thumbnail(component: APIThumbnailComponent): TemplateResult {
  const items = [mediaOf(component.media, component.description, component.spoiler)];
  return html`<media-gallery class="thumbnail" .items=${items}></media-gallery>`;
}

function mediaOf(media: APIUnfurledMediaItem, description?: string | null, spoiler?: boolean): Media {
  const { url, content_type: mediaType, width, height } = media;
  return {
    url,
    alt: description ?? '',
    spoiler: spoiler ?? false,
    kind: kindOf(mediaType, fileNameOf(url)) === 'film' ? 'film' : 'picture',
    width: width ?? undefined,
    height: height ?? undefined,
  };
}

const buttonClasses: Readonly<Record<ButtonStyle, string>> = {
  [ButtonStyle.Primary]: 'primary',
  [ButtonStyle.Secondary]: 'secondary',
  [ButtonStyle.Success]: 'success',
  [ButtonStyle.Danger]: 'danger',
  [ButtonStyle.Link]: 'secondary',
  [ButtonStyle.Premium]: 'primary',
};

/** Whether the answer to a press of this component is awaited. */
function isPending(customId: string, message: APIMessage, { deeds }: Chat): boolean {
  return deeds.some(
    ({ what, state }) =>
      state === 'pending' && what.kind === 'component' && what.message === message.id && what.customId === customId,
  );
}

function button(component: APIButtonComponent, message: APIMessage, chat: Chat): TemplateResult {
  const style = `button ${buttonClasses[component.style]}`;
  if (component.style === ButtonStyle.Premium) {
    return html`<button type="button" class=${style} disabled>Premium</button>`;
  }
  const emoji = emojiText(component.emoji);
  const label = html`${emoji === undefined ? nothing : html`<span class="emoji">${emoji}</span>`}
  ${component.label === undefined ? nothing : html`<span>${component.label}</span>`}`;
  if (component.style === ButtonStyle.Link) {
    const href = reachable(component.url);
    if (component.disabled === true || href === '') {
      return html`<button type="button" class=${style} disabled>${label} ${openIcon}</button>`;
    }
    return html`<a class=${style} href=${href} target="_blank" rel="noopener noreferrer">${label} ${openIcon}</a>`;
  }
  const { custom_id: customId } = component;
  const pending = isPending(customId, message, chat);
  return html`<button
    type="button"
    class=${style}
    ?disabled=${component.disabled === true}
    aria-disabled=${pending ? 'true' : nothing}
    aria-busy=${pending ? 'true' : nothing}
    @click=${() => (pending ? undefined : chat.act.press(message, customId))}
  >
    <span class="button-label">${label}</span>
    ${pending ? html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>` : nothing}
  </button>`;
}

function select(component: APISelectMenuComponent, message: APIMessage, chat: Chat): TemplateResult {
  const choose = ({ detail }: CustomEvent<readonly string[]>) => chat.act.press(message, component.custom_id, detail);
  return html`<select-menu
    .choices=${choicesOf(component, chat)}
    .value=${guard([component], () => defaultsOf(component))}
    .min=${component.min_values ?? 1}
    .max=${component.max_values ?? 1}
    .placeholder=${component.placeholder ?? ''}
    .disabled=${component.disabled ?? false}
    .busy=${isPending(component.custom_id, message, chat)}
    @choose=${choose}
  ></select-menu>`;
}
