import { LitElement, html, nothing, type PropertyValues } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { readAddress, writeAddress } from './address.ts';
import { createClient } from './client.ts';
import { hashIcon, menuIcon } from './icons.ts';
import { MessageBox } from './message-box.ts';
import './message-list.ts';
import './modal-dialog.ts';
import { channelName, createSession, placeName, type Chat } from './session.ts';
import './side-bar.ts';

/** Up to this width the channel list is a drawer; the same number stands in `layout.css`. */
const narrow = matchMedia('(max-width: 720px)');

/** The whole page. */
class PlaygroundApp extends LitElement {
  static override properties = {
    chat: { state: true },
    drawer: { state: true },
    isNarrow: { state: true },
    dragging: { state: true },
  };
  declare chat: Chat | undefined;
  /** whether the drawer is open */
  declare drawer: boolean;
  declare isNarrow: boolean;
  declare dragging: boolean;
  readonly #session = createSession(createClient(), (chat) => {
    this.chat = chat;
  });

  constructor() {
    super();
    this.drawer = false;
    this.dragging = false;
    this.isNarrow = narrow.matches;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#session.start(readAddress(location.hash));
    addEventListener('hashchange', () => this.#session.go(readAddress(location.hash)));
    narrow.addEventListener('change', ({ matches }) => {
      this.isNarrow = matches;
      this.drawer = false;
    });
    // A file dropped beside its place must not take the place of the page.
    addEventListener('dragover', (event) => {
      event.preventDefault();
      this.dragging = event.dataTransfer?.types.includes('Files') === true;
    });
    addEventListener('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) this.dragging = false;
    });
    // While capturing, because a place that takes the file lets the event go no further.
    addEventListener('drop', () => (this.dragging = false), true);
    addEventListener('drop', (event) => {
      event.preventDefault();
      this.#attach(event.dataTransfer?.files);
    });
    addEventListener('paste', (event) => {
      if ((event.clipboardData?.files.length ?? 0) === 0) return;
      event.preventDefault();
      this.#attach(event.clipboardData?.files);
    });
    addEventListener('keydown', (event) => this.#onKey(event));
  }

  protected override updated(changed: PropertyValues<this>): void {
    const { chat } = this;
    if (!changed.has('chat') || chat === undefined) return;
    const before = changed.get('chat');
    if (before?.channel.id === chat.channel.id && before.me.id === chat.me.id) return;
    this.drawer = false;
    document.title = `${channelName(chat.channel, chat.server)} · Troupe playground`;
    const address = writeAddress({ channel: placeName(chat.channel), as: chat.me.name });
    // The first address is completed, later ones become steps that the browser's Back undoes.
    if (location.hash === address) return;
    if (before === undefined) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
  }

  protected override render() {
    const { chat } = this;
    if (chat === undefined) return html`<p class="starting" role="status">Connecting to the playground…</p>`;
    const { channel, modal } = chat;
    return html`<div class="page" ?data-drawer=${this.drawer} ?data-dragging=${this.dragging}>
      <side-bar id="side-bar" .chat=${chat} ?inert=${this.isNarrow && !this.drawer}></side-bar>
      ${
        this.drawer
          ? html`<button
              type="button"
              class="scrim"
              aria-label="Close the channel list"
              @click=${this.#toggleDrawer}
            ></button>`
          : nothing
      }
      <main ?inert=${this.drawer} @try-command=${this.#tryCommand}>
        <header class="channel-header">
          <button
            type="button"
            class="icon-button drawer-button"
            aria-label="Channels and people"
            aria-expanded=${this.drawer ? 'true' : 'false'}
            aria-controls="side-bar"
            @click=${this.#toggleDrawer}
          >
            ${menuIcon}
          </button>
          ${channel.kind === 'guild-text' ? hashIcon : nothing}
          <h2>${channelName(channel, chat.server)}</h2>
          <p>${channel.about}</p>
          <p class="as">as <b>${chat.me.displayName}</b></p>
        </header>
        <message-list .chat=${chat}></message-list>
        <message-box .chat=${chat}></message-box>
      </main>
      ${
        modal === undefined
          ? nothing
          : keyed(modal.interaction, html`<modal-dialog .modal=${modal} .chat=${chat}></modal-dialog>`)
      }
    </div>`;
  }

  get #box(): MessageBox | undefined {
    const box = this.querySelector('message-box');
    return box instanceof MessageBox ? box : undefined;
  }

  #tryCommand({ detail }: CustomEvent<string>): void {
    void this.#box?.open(detail);
  }

  #attach(files: FileList | undefined): void {
    if (document.querySelector('dialog[open]') === null) void this.#box?.attach([...(files ?? [])]);
  }

  async #toggleDrawer(): Promise<void> {
    this.drawer = !this.drawer;
    await this.updateComplete;
    const focus = this.drawer ? 'side-bar [aria-current], side-bar button' : '.drawer-button';
    this.querySelector<HTMLElement>(focus)?.focus();
  }

  /** Typing anywhere goes to the message box, as in Discord. */
  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.drawer) void this.#toggleDrawer();
    const { activeElement } = document;
    const { key } = event;
    if (key === 'Escape' && activeElement === document.body) this.#box?.leave();
    // A space belongs to the button that has the focus, and what a dialog or a menu has open comes first.
    const taken = activeElement?.closest('input, textarea, select, dialog, [popover]') ?? null;
    const printable = key.length === 1 && key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (taken === null && printable) this.querySelector<HTMLElement>('.text-input')?.focus();
  }
}
customElements.define('playground-app', PlaygroundApp);
