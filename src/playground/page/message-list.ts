import { LitElement, html, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { APIMessage } from 'discord-api-types/v10';
import { appBadge, avatar, faceOf } from './avatar.ts';
import { firstCommands } from './commands.ts';
import { eyeIcon, hashIcon } from './icons.ts';
import { reachable } from './media.ts';
import { messageView } from './message-view.ts';
import { botName, channelName, type Chat, type Deed } from './session.ts';

/** Nearer to the end than this, in pixels, the list stays at the end when something is added. */
const stickPx = 80;

/** The messages of a channel, and what was sent and is not answered yet. */
class MessageList extends LitElement {
  static override properties = { chat: { attribute: false }, announcement: { state: true } };
  declare chat: Chat;
  /** what a screen reader is told: new messages only, not each edit of a progress bar */
  declare announcement: string;
  #atEnd = true;
  #scrolledTo = 0;
  #lastRead: string | undefined;
  readonly #resized = new ResizeObserver(() => this.#stick());

  constructor() {
    super();
    this.announcement = '';
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    // Pictures and late edits change the height after rendering.
    for (const part of this.querySelectorAll('.messages, .messages > ol')) this.#resized.observe(part);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('chat');
    if (before?.channel.id !== this.chat.channel.id || before.me.id !== this.chat.me.id) {
      this.#atEnd = true;
      this.#lastRead = undefined;
    }
    const last = this.chat.messages?.at(-1);
    if (this.#lastRead !== undefined && last !== undefined && last.id !== this.#lastRead) this.#announce(last);
    if (this.chat.messages !== undefined) this.#lastRead = last?.id ?? '';
  }

  protected override updated(): void {
    this.#stick();
  }

  protected override render() {
    const { messages = [], deeds } = this.chat;
    return html`<div class="messages" tabindex="-1" @scroll=${this.#onScroll}>
        ${this.#welcome()}
        <ol
          aria-label="Messages in ${channelName(this.chat.channel, this.chat.server)}"
          aria-busy=${this.chat.messages === undefined ? 'true' : 'false'}
        >
          ${repeat(
            messages,
            ({ id }) => id,
            (message, at) => html`<li>${messageView(message, messages[at - 1], this.chat)}</li>`,
          )}
          ${repeat(
            deeds.filter(({ what }) => what.kind !== 'component'),
            ({ id }) => id,
            (deed) => html`<li>${this.#deed(deed)}</li>`,
          )}
        </ol>
      </div>
      <div class="visually-hidden" role="status" aria-live="polite">${this.announcement}</div>`;
  }

  #welcome() {
    const { channel, server } = this.chat;
    const commands = firstCommands(this.chat);
    const name = botName(server.bot);
    return html`<section class="welcome">
      <span class="welcome-icon"
        >${channel.kind === 'guild-text' ? hashIcon : avatar({ name, picture: '/page/troupe.svg' })}</span
      >
      <h2>${channel.kind === 'guild-text' ? html`Welcome to #${channel.name}!` : channelName(channel, server)}</h2>
      <p>
        ${name} puts your character into new scenes and makes pictures move: attach a picture, say what happens, and
        watch it being made. This page stands in for Discord, so that you can try everything without an account.
      </p>
      ${channel.about === '' ? nothing : html`<p class="about">${channel.about}.</p>`}
      ${server.bot.online ? nothing : html`<p class="offline" role="status">${name} is not connected at the moment.</p>`}
      ${
        commands.length === 0
          ? nothing
          : html`<p class="welcome-actions">
              ${commands.map(
                ({ name: command }, at) =>
                  html`<button
                    type="button"
                    class="button ${at === 0 ? 'primary' : 'secondary'}"
                    @click=${() => this.#tryCommand(command)}
                  >
                    Try /${command}
                  </button>`,
              )}
              <span>or type <kbd>/</kbd> below to see every command</span>
            </p>`
      }
      ${this.chat.messages === undefined ? html`<p class="muted">Reading messages…</p>` : nothing}
    </section>`;
  }

  #deed(deed: Deed) {
    const { server, me, act } = this.chat;
    const face = faceOf(server.bot.user, this.chat);
    const failed = deed.state === 'failed';
    const bot = { ...face, bot: true };
    return html`<article class="message deed" ?data-ephemeral=${failed}>
      ${
        deed.what.kind === 'command'
          ? html`<p class="reply-line">
              ${avatar({ name: me.displayName, picture: reachable(me.avatarUrl) }, 'small')}
              <span class="author">${me.displayName}</span> used <span class="command">${deed.what.used}</span>
            </p>`
          : nothing
      }
      <div class="message-gutter">${avatar(face)}</div>
      <div class="message-main">
        <header class="message-header"><span class="author" data-bot>${face.name}</span> ${appBadge(bot)}</header>
        ${
          failed
            ? html`<p class="failure" role="alert">The application did not respond</p>
                <p class="ephemeral-note">
                  ${eyeIcon} Only you can see this ·
                  <button type="button" class="link" @click=${() => act.dismiss(deed.id)}>Dismiss message</button>
                </p>`
            : html`<p class="thinking">
                <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> Sending…
              </p>`
        }
      </div>
    </article>`;
  }

  #tryCommand(name: string): void {
    this.dispatchEvent(new CustomEvent('try-command', { detail: name, bubbles: true }));
  }

  #announce(message: APIMessage): void {
    const { name } = faceOf(message.author, this.chat);
    void this.updateComplete.then(() => {
      const body = this.querySelector<HTMLElement>(`[id="message-${message.id}"] .message-body`);
      this.announcement = `${name}: ${(body?.innerText ?? '').replace(/\s+/g, ' ').slice(0, 200)}`;
    });
  }

  #onScroll({ currentTarget }: Event): void {
    if (!(currentTarget instanceof HTMLElement)) return;
    const { scrollTop, scrollHeight, clientHeight } = currentTarget;
    // Pictures that load push the end away without anybody having scrolled: only going up leaves the end.
    if (scrollHeight - scrollTop - clientHeight < stickPx) this.#atEnd = true;
    else if (scrollTop < this.#scrolledTo) this.#atEnd = false;
    this.#scrolledTo = scrollTop;
  }

  #stick(): void {
    const list = this.querySelector('.messages');
    if (this.#atEnd && list !== null) list.scrollTop = list.scrollHeight;
  }
}
customElements.define('message-list', MessageList);
