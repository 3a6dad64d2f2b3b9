import { LitElement, html, nothing, type TemplateResult } from 'lit';
import { parseMarkdown, type Block, type Inline } from './markdown.ts';
import type { Chat } from './session.ts';
import './time-stamp.ts';

/** A message's text as Discord shows it; `mark` stands at its end, in the last line where that is plain text. */
export function markdown(source: string, chat: Chat, mark?: TemplateResult): TemplateResult {
  const blocks = parseMarkdown(source);
  const last = blocks.at(-1);
  const inLine = mark !== undefined && last?.kind === 'paragraph';
  return html`<div class="markdown">
    ${(inLine ? blocks.slice(0, -1) : blocks).map((block) => blockView(block, chat))}
    ${inLine ? html`<p>${inlineView(last.children, chat)} ${mark}</p>` : mark}
  </div>`;
}

function blockView(block: Block, chat: Chat): TemplateResult {
  switch (block.kind) {
    case 'paragraph':
      return html`<p>${inlineView(block.children, chat)}</p>`;
    case 'small':
      return html`<p class="small">${inlineView(block.children, chat)}</p>`;
    case 'heading': {
      const children = inlineView(block.children, chat);
      // The page's own headings are h1 and h2.
      if (block.level === 1) return html`<h3 class="heading-1">${children}</h3>`;
      return block.level === 2 ? html`<h4>${children}</h4>` : html`<h5>${children}</h5>`;
    }
    case 'quote':
      return html`<blockquote>${block.blocks.map((inner) => blockView(inner, chat))}</blockquote>`;
    case 'list': {
      const items = block.items.map((item) => html`<li>${item.map((inner) => blockView(inner, chat))}</li>`);
      return block.start === undefined
        ? html`<ul>
            ${items}
          </ul>`
        : html`<ol start=${block.start}>
            ${items}
          </ol>`;
    }
    case 'code-block':
      return html`<pre tabindex="0" data-language=${block.language || nothing}><code>${block.text}</code></pre>`;
  }
}

function inlineView(items: readonly Inline[], chat: Chat): (TemplateResult | string)[] {
  return items.map((item) => {
    switch (item.kind) {
      case 'text':
        return item.text;
      case 'code':
        return html`<code>${item.text}</code>`;
      case 'strong':
        return html`<strong>${inlineView(item.children, chat)}</strong>`;
      case 'em':
        return html`<em>${inlineView(item.children, chat)}</em>`;
      case 'underline':
        return html`<u>${inlineView(item.children, chat)}</u>`;
      case 'strike':
        return html`<s>${inlineView(item.children, chat)}</s>`;
      case 'spoiler':
        return html`<spoiler-text .content=${html`${inlineView(item.children, chat)}`}></spoiler-text>`;
      case 'link':
        return html`<a href=${item.href} title=${item.href} target="_blank" rel="noopener noreferrer"
          >${inlineView(item.children, chat)}</a
        >`;
      case 'user':
        return html`<span class="mention">@${nameOf(item.id, chat)}</span>`;
      case 'role':
        return html`<span class="mention">@role</span>`;
      case 'channel':
        return channelMention(item.id, chat);
      case 'everyone':
        return html`<span class="mention">@${item.name}</span>`;
      case 'command':
        return html`<span class="mention">/${item.name}</span>`;
      case 'emoji':
        return html`<span class="custom-emoji">:${item.name}:</span>`;
      case 'time':
        return html`<time-stamp .at=${item.at} .format=${item.style} .now=${chat.now}></time-stamp>`;
    }
  });
}

function nameOf(id: string, { server }: Chat): string {
  const { user } = server.bot;
  if (id === user.id) return user.global_name ?? user.username;
  return server.users.find((each) => each.id === id)?.displayName ?? 'unknown-user';
}

function channelMention(id: string, { server, me, act }: Chat): TemplateResult {
  const channel = server.channels.find((each) => each.id === id && each.users.includes(me.id));
  if (channel === undefined) return html`<span class="mention"># No Access</span>`;
  return html`<button type="button" class="mention" @click=${() => act.show(id)}>#${channel.name}</button>`;
}

/** Hidden until asked for, by click or key. */
class SpoilerText extends LitElement {
  static override properties = { content: { attribute: false }, revealed: { state: true } };
  declare content: TemplateResult;
  declare revealed: boolean;

  constructor() {
    super();
    this.revealed = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    if (this.revealed) return html`<span class="spoiler revealed">${this.content}</span>`;
    return html`<button type="button" class="spoiler" aria-label="Spoiler: show" @click=${this.#reveal}>
      <span aria-hidden="true" inert>${this.content}</span>
    </button>`;
  }

  #reveal(): void {
    this.revealed = true;
  }
}
customElements.define('spoiler-text', SpoilerText);
