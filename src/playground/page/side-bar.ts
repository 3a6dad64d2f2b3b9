import { LitElement, html, nothing } from 'lit';
import type { PlaygroundChannel, PlaygroundUser } from '../api.ts';
import { avatar } from './avatar.ts';
import { hashIcon, peopleIcon, personIcon } from './icons.ts';
import { reachable } from './media.ts';
import { moveFocus } from './popup.ts';
import { channelName, type Chat } from './session.ts';
import './time-and-faults.ts';

const kindIcons: Readonly<Record<PlaygroundChannel['kind'], typeof hashIcon>> = {
  'guild-text': hashIcon,
  dm: personIcon,
  'group-dm': peopleIcon,
};

/** The channels, the people one can be, and the folded-away controls. */
class SideBar extends LitElement {
  static override properties = { chat: { attribute: false } };
  declare chat: Chat;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    const { server, me } = this.chat;
    const visible = server.channels.filter(({ users }) => users.includes(me.id));
    const channels = visible.filter(({ kind }) => kind === 'guild-text');
    const direct = visible.filter(({ kind }) => kind !== 'guild-text');
    return html`<header class="server-name">
        <img src="/page/troupe.svg" alt="" width="28" height="28" />
        <h1>Troupe playground</h1>
      </header>
      <nav aria-label="Channels">
        ${this.#channels('Channels', channels)}
        ${direct.length > 0 ? this.#channels('Direct messages', direct) : nothing}
      </nav>
      <section class="people" role="radiogroup" aria-labelledby="you-are" @keydown=${this.#onKey}>
        <h2 id="you-are">You are</h2>
        ${server.users.map((user) => this.#person(user))}
      </section>
      <time-and-faults .chat=${this.chat}></time-and-faults>`;
  }

  #channels(heading: string, channels: readonly PlaygroundChannel[]) {
    return html`<h2>${heading}</h2>
      <ul>
        ${channels.map((channel) => {
          const { id, kind, about } = channel;
          const unread = this.chat.unread.has(id);
          return html`<li>
            <button
              type="button"
              class="channel"
              aria-current=${id === this.chat.channel.id ? 'page' : nothing}
              ?data-unread=${unread}
              @click=${() => this.chat.act.show(id)}
            >
              ${kindIcons[kind]}
              <span class="channel-text">
                <span
                  >${channelName(channel, this.chat.server)}${unread ? html`<span class="visually-hidden"> (new messages)</span>` : nothing}</span
                >
                ${about === '' ? nothing : html`<small title=${about}>${about}</small>`}
              </span>
            </button>
          </li>`;
        })}
      </ul>`;
  }

  #person({ id, displayName, name, avatarUrl, about }: PlaygroundUser) {
    const chosen = id === this.chat.me.id;
    return html`<button
      type="button"
      class="person"
      role="radio"
      aria-checked=${chosen ? 'true' : 'false'}
      tabindex=${chosen ? '0' : '-1'}
      data-name=${name}
      @click=${() => this.chat.act.become(id)}
    >
      ${avatar({ name: displayName, picture: reachable(avatarUrl) })}
      <span class="person-text">
        <span>${displayName}</span>
        ${about === '' ? nothing : html`<small title=${about}>${about}</small>`}
      </span>
    </button>`;
  }

  #onKey(event: KeyboardEvent): void {
    moveFocus(event, [...this.querySelectorAll<HTMLElement>('[role=radio]')]);
  }
}
customElements.define('side-bar', SideBar);
