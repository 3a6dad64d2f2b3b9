import { LitElement, html, nothing, type PropertyValues } from 'lit';
import './command-form.ts';
import { CommandForm } from './command-form.ts';
import { fileCommands, slashCommands, type SlashCommand } from './commands.ts';
import { avatar } from './avatar.ts';
import { botName, channelName, type Chat } from './session.ts';

/** The box at the bottom: a slash picks a command, which is then filled in. */
class MessageBox extends LitElement {
  static override properties = {
    chat: { attribute: false },
    text: { state: true },
    command: { state: true },
    active: { state: true },
    hint: { state: true },
  };
  declare chat: Chat;
  declare text: string;
  declare command: SlashCommand | undefined;
  /** index of the command that Enter picks */
  declare active: number;
  declare hint: string | undefined;

  constructor() {
    super();
    this.text = '';
    this.active = 0;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('chat');
    // A command that is half written is not carried to another channel or person.
    if (before !== undefined && (before.channel.id !== this.chat.channel.id || before.me.id !== this.chat.me.id)) {
      this.command = undefined;
      this.text = '';
      this.hint = undefined;
    }
  }

  protected override render() {
    const { notice, connected } = this.chat;
    return html`<div class="message-box">
      ${
        notice === undefined
          ? nothing
          : html`<p class="problem notice" role="alert">
              ${notice} <button type="button" class="link" @click=${() => this.chat.act.notify(undefined)}>Hide</button>
            </p>`
      }
      ${connected ? nothing : html`<p class="notice waiting" role="status">Connecting to the playground…</p>`}
      ${
        this.command === undefined
          ? this.#textBox()
          : html`<command-form .command=${this.command} .chat=${this.chat} @leave=${this.leave}></command-form>`
      }
    </div>`;
  }

  /** Opens the command `name`, as if it had been picked. */
  async open(name: string): Promise<void> {
    // What is written already stays.
    if (this.command?.name === name) {
      this.querySelector('command-form')?.querySelector<HTMLElement>('option-field')?.focus();
      return;
    }
    this.#pick(slashCommands(this.chat).find((command) => command.name === name));
    await this.updateComplete;
  }

  /** Takes files that were dropped or pasted anywhere: into the open command, or into the first that takes files. */
  async attach(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    if (this.command === undefined) {
      this.#pick(fileCommands(slashCommands(this.chat))[0]);
      await this.updateComplete;
    }
    const form = this.querySelector('command-form');
    const taken = form instanceof CommandForm && form.attach(files);
    if (!taken) this.chat.act.notify('There is no empty place for this file: open a command that takes one.');
  }

  #textBox() {
    const picking = this.text.startsWith('/');
    const matches = this.#matches;
    const open = picking && matches.length > 0;
    return html`${picking ? this.#picker(matches) : nothing}
      ${this.hint === undefined ? nothing : html`<p class="notice" role="status">${this.hint}</p>`}
      <div class="text-line">
        <input
          type="text"
          class="text-input"
          role="combobox"
          autocomplete="off"
          aria-label="Message: type / for commands"
          aria-expanded=${open ? 'true' : 'false'}
          aria-controls="command-picker"
          aria-autocomplete="list"
          aria-activedescendant=${open ? `command-${this.active}` : nothing}
          placeholder="Type / to use a command in ${channelName(this.chat.channel, this.chat.server)}"
          .value=${this.text}
          @input=${this.#onInput}
          @keydown=${this.#onKey}
        />
        <button type="button" class="chip slash" aria-label="Show commands" title="Commands" @click=${this.#startSlash}>
          /
        </button>
      </div>`;
  }

  #picker(matches: readonly SlashCommand[]) {
    const { bot } = this.chat.server;
    return html`<div class="command-picker" id="command-picker" role="listbox" aria-label="Commands">
      <p class="menu-heading">
        ${avatar({ name: botName(bot), picture: '/page/troupe.svg' }, 'small')} ${botName(bot)}
      </p>
      ${matches.map(
        ({ name, description, options }, at) =>
          html`<div
            id="command-${at}"
            class="picker-item"
            role="option"
            aria-selected=${at === this.active ? 'true' : 'false'}
            @mousedown=${(event: Event) => event.preventDefault()}
            @click=${() => this.#pick(matches[at])}
          >
            <span class="picker-name"
              >/${name}
              ${options
                .filter(({ required }) => required === true)
                .map((option) => html`<span class="picker-option">${option.name}</span>`)}</span
            >
            <small>${description}</small>
          </div>`,
      )}
      ${
        matches.length === 0
          ? html`<p class="menu-note">
              ${
                this.chat.server.commands.length === 0
                  ? 'The bot has not registered any commands yet.'
                  : 'No command here has that name.'
              }
            </p>`
          : nothing
      }
    </div>`;
  }

  get #matches(): SlashCommand[] {
    const typed = this.text.slice(1).trim().toLowerCase();
    const all = slashCommands(this.chat);
    const starting = all.filter(({ name }) => name.startsWith(typed));
    return [...starting, ...all.filter((command) => !starting.includes(command) && command.name.includes(typed))];
  }

  #onInput({ currentTarget }: Event): void {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    this.text = currentTarget.value;
    this.active = 0;
    this.hint = undefined;
    // A space after a whole name picks it, as in Discord.
    const typed = this.text.slice(1, -1);
    if (this.text.startsWith('/') && this.text.endsWith(' ')) {
      this.#pick(slashCommands(this.chat).find(({ name }) => name === typed));
    }
  }

  #onKey(event: KeyboardEvent): void {
    const matches = this.text.startsWith('/') ? this.#matches : [];
    if (matches.length > 0 && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      const by = event.key === 'ArrowDown' ? 1 : -1;
      this.active = (this.active + by + matches.length) % matches.length;
      void this.updateComplete.then(() =>
        this.querySelector('.picker-item[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }),
      );
    } else if (matches.length > 0 && (event.key === 'Enter' || event.key === 'Tab')) {
      event.preventDefault();
      this.#pick(matches[this.active]);
    } else if (event.key === 'Enter' && this.text.trim() !== '') {
      this.hint = 'The bot reads commands only: begin with / to see them.';
    } else if (event.key === 'Escape') {
      this.text = '';
      this.hint = undefined;
    }
  }

  #startSlash(): void {
    this.text = '/';
    this.active = 0;
    this.hint = undefined;
    this.querySelector<HTMLElement>('.text-input')?.focus();
  }

  #pick(command: SlashCommand | undefined): void {
    if (command === undefined) return;
    this.command = command;
    this.text = '';
    this.hint = undefined;
    this.chat.act.notify(undefined);
  }

  /** Drops the command that is being written, if there is one. */
  leave(): void {
    if (this.command === undefined) return;
    this.command = undefined;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('.text-input')?.focus());
  }
}
customElements.define('message-box', MessageBox);

export { MessageBox };
