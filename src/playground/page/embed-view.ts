import { html, nothing, type TemplateResult } from 'lit';
import type { APIEmbed } from 'discord-api-types/v10';
import './gallery.ts';
import { markdown } from './markdown-view.ts';
import { accentStyle, reachable } from './media.ts';
import type { Chat } from './session.ts';

/** An embed in a simple form: author, title, text, fields, picture, footer. */
export function embedView(embed: APIEmbed, chat: Chat): TemplateResult {
  const { color, author, title, url, description, fields = [], image, thumbnail, footer, timestamp } = embed;
  const href = url === undefined ? '' : reachable(url);
  return html`<article class="embed" .style=${accentStyle(color)}>
    <div class="embed-main">
      ${author === undefined ? nothing : html`<p class="embed-author">${author.name}</p>`}
      ${
        title === undefined
          ? nothing
          : html`<p class="embed-title">
              ${href === '' ? title : html`<a href=${href} target="_blank" rel="noopener noreferrer">${title}</a>`}
            </p>`
      }
      ${description === undefined ? nothing : markdown(description, chat)}
      ${
        fields.length === 0
          ? nothing
          : html`<dl class="embed-fields">
              ${fields.map(
                ({ name, value, inline }) =>
                  html`<div ?data-inline=${inline === true}>
                    <dt>${name}</dt>
                    <dd>${markdown(value, chat)}</dd>
                  </div>`,
              )}
            </dl>`
      }
      ${image === undefined ? nothing : picture(image.url)}
      ${
        footer === undefined && timestamp === undefined
          ? nothing
          : html`<p class="embed-footer">
              ${footer?.text}
              ${
                timestamp === undefined
                  ? nothing
                  : html`<time-stamp .at=${Date.parse(timestamp)} .format=${'s'} .now=${chat.now}></time-stamp>`
              }
            </p>`
      }
    </div>
    ${thumbnail === undefined ? nothing : html`<div class="thumbnail">${picture(thumbnail.url)}</div>`}
  </article>`;
}

function picture(url: string): TemplateResult {
  const items = [{ url, alt: '', spoiler: false, kind: 'picture', width: undefined, height: undefined }] as const;
  return html`<media-gallery .items=${items}></media-gallery>`;
}
