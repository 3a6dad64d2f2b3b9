import { LitElement, html, nothing } from 'lit';
import { ApplicationCommandType, type APIMessage } from 'discord-api-types/v10';
import { usableCommands } from './commands.ts';
import { moreIcon } from './icons.ts';
import { moveFocus, openPopup } from './popup.ts';
import { inWords, type Chat } from './session.ts';

/** The "…" of a message: the bot's context-menu commands for it and for its author. */
class MessageMenu extends LitElement {
  static override properties = { message: { attribute: false }, chat: { attribute: false }, open: { state: true } };
  declare message: APIMessage;
  declare chat: Chat;
  declare open: boolean;

  constructor() {
    super();
    this.open = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    const onMessage = usableCommands(this.chat, ApplicationCommandType.Message);
    const onUser = usableCommands(this.chat, ApplicationCommandType.User);
    const author = this.message.author;
    return html`<button
        type="button"
        class="icon-button more"
        aria-haspopup="menu"
        aria-expanded=${this.open ? 'true' : 'false'}
        aria-label="More"
        title="More"
        @click=${this.#show}
      >
        ${moreIcon}
      </button>
      <div popover="auto" class="popup menu" role="menu" @toggle=${this.#onToggle} @keydown=${this.#onKey}>
        ${
          this.open
            ? html`
                <button type="button" role="menuitem" @click=${this.#copyText}>Copy text</button>
                <p class="menu-heading">Apps</p>
                ${onMessage.map(({ name }) => this.#item(name, name, this.message.id))}
                ${onUser.map(({ name }) => this.#item(`${name} (${author.username})`, name, author.id))}
                ${onMessage.length + onUser.length === 0 ? html`<p class="menu-note">No app acts on messages.</p>` : nothing}
              `
            : nothing
        }
      </div>`;
  }

  #item(label: string, command: string, target: string) {
    return html`<button
      type="button"
      role="menuitem"
      @click=${() => {
        this.#popup?.hidePopover();
        this.chat.act.run(command, new Map(), target).catch((error: unknown) => this.chat.act.notify(inWords(error)));
      }}
    >
      ${label}
    </button>`;
  }

  get #popup(): HTMLElement | null {
    return this.querySelector<HTMLElement>('[popover]');
  }

  async #show(): Promise<void> {
    const button = this.querySelector('button');
    if (this.#popup === null || button === null) return;
    this.open = true;
    await this.updateComplete;
    openPopup(this.#popup, button);
    this.#items[0]?.focus();
  }

  get #items(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>('[role=menuitem]')];
  }

  #onToggle(event: ToggleEvent): void {
    this.open = event.newState === 'open';
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Tab') this.#popup?.hidePopover();
    moveFocus(event, this.#items);
  }

  async #copyText(): Promise<void> {
    this.#popup?.hidePopover();
    const body = this.parentElement?.querySelector<HTMLElement>('.message-body');
    await navigator.clipboard
      .writeText(body?.innerText ?? '')
      .catch(() => this.chat.act.notify('The browser did not allow copying.'));
  }
}
customElements.define('message-menu', MessageMenu);
