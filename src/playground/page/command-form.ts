import { LitElement, html, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { ApplicationCommandOptionType } from 'discord-api-types/v10';
import { givenOnly, limitsOf, problemsOf } from './answers.ts';
import { avatar } from './avatar.ts';
import type { CommandOption, SlashCommand } from './commands.ts';
import { closeIcon, sendIcon } from './icons.ts';
import { OptionField } from './option-field.ts';
import { moveFocus, openPopup } from './popup.ts';
import { inWords, type Chat } from './session.ts';

/** A slash command being written, option by option. Ends with a `leave` event, sent or not. */
class CommandForm extends LitElement {
  static override properties = {
    command: { attribute: false },
    chat: { attribute: false },
    answers: { state: true },
    added: { state: true },
    problems: { state: true },
    refusal: { state: true },
    sending: { state: true },
    focused: { state: true },
  };
  declare command: SlashCommand;
  declare chat: Chat;
  declare answers: ReadonlyMap<string, string | File>;
  /** names of the optional options that are shown, in the order they were added */
  declare added: readonly string[];
  declare problems: ReadonlyMap<string, string>;
  /** the playground's answer when it did not take the command */
  declare refusal: string | undefined;
  declare sending: boolean;
  /** name of the option whose help is shown */
  declare focused: string | undefined;

  constructor() {
    super();
    this.answers = new Map();
    this.added = [];
    this.problems = new Map();
    this.sending = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    void this.#focusFirst();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('command') || changed.get('command') === undefined) return;
    this.answers = new Map();
    this.added = [];
    this.problems = new Map();
    this.refusal = undefined;
    void this.#focusFirst();
  }

  protected override render() {
    const hidden = this.#hidden;
    return html`<form
      class="command-form"
      aria-label="Command ${this.command.name}"
      novalidate
      @submit=${this.#onSubmit}
      @keydown=${this.#onKey}
      @focusin=${this.#onFocus}
    >
      ${this.#help()}
      ${this.refusal === undefined ? nothing : html`<p class="problem refusal" role="alert">${this.refusal}</p>`}
      <div class="command-line">
        <span class="command-name"
          >${avatar({ name: 'T', picture: '/page/troupe.svg' }, 'small')} /${this.command.name}</span
        >
        ${repeat(
          this.#shown,
          ({ name }) => name,
          (option) =>
            html`<option-field
              data-name=${option.name}
              .option=${option}
              .command=${this.command.name}
              .answer=${this.answers.get(option.name)}
              .answers=${this.answers}
              .problem=${this.problems.get(option.name)}
              .chat=${this.chat}
              @answered=${({ detail }: CustomEvent<string | File | undefined>) => this.#answer(option, detail)}
              @remove-option=${() => this.#remove(option)}
            ></option-field>`,
        )}
        ${
          hidden.length === 0
            ? nothing
            : html`<button type="button" class="chip" aria-haspopup="menu" @click=${this.#showMore}>
                  +${hidden.length} optional
                </button>
                <div
                  popover="auto"
                  class="popup menu option-menu"
                  role="menu"
                  aria-label="Options to add"
                  @keydown=${this.#onMenuKey}
                >
                  <p class="menu-heading">Optional</p>
                  ${hidden.map(
                    (option) =>
                      html`<button type="button" role="menuitem" @click=${() => this.add(option.name)}>
                        <span>${option.name}</span> <small>${option.description}</small>
                      </button>`,
                  )}
                </div>`
        }
        <span class="command-actions">
          <button
            type="button"
            class="icon-button"
            aria-label="Leave the command"
            title="Leave (Esc)"
            @click=${this.#leave}
          >
            ${closeIcon}
          </button>
          <button type="submit" class="send" aria-label="Send" title="Send (Enter)" ?disabled=${this.sending}>
            ${sendIcon}
          </button>
        </span>
      </div>
    </form>`;
  }

  /** Shows the option `name` and goes to it. */
  add(name: string): void {
    this.querySelector<HTMLElement>('.option-menu')?.hidePopover();
    if (this.#hidden.some((option) => option.name === name)) this.added = [...this.added, name];
    void this.#focus(name);
  }

  /** Puts files into the attachment options that are empty, in the command's order. Answers whether there was one. */
  attach(files: readonly File[]): boolean {
    const places = this.command.options.filter(
      ({ name, type }) => type === ApplicationCommandOptionType.Attachment && !this.answers.has(name),
    );
    // What is on the screen comes before what would have to be added.
    const shown = this.#shown;
    const ordered = [
      ...places.filter((each) => shown.includes(each)),
      ...places.filter((each) => !shown.includes(each)),
    ];
    const filled = ordered.slice(0, files.length);
    for (const [at, option] of filled.entries()) {
      if (this.#hidden.includes(option)) this.added = [...this.added, option.name];
      this.#answer(option, files[at]);
    }
    return filled.length > 0;
  }

  get #shown(): CommandOption[] {
    const { options } = this.command;
    const added = this.added.flatMap((name) => options.filter((option) => option.name === name));
    return [...options.filter(({ required }) => required === true), ...added];
  }

  get #hidden(): CommandOption[] {
    return this.command.options.filter(({ name, required }) => required !== true && !this.added.includes(name));
  }

  /** What the focused option is for; of the command itself while none is. */
  #help() {
    const option = this.command.options.find(({ name }) => name === this.focused);
    if (option === undefined) return html`<p class="help"><b>/${this.command.name}</b> ${this.command.description}</p>`;
    const limits = limitsOf(option);
    return html`<p class="help">
      <b>${option.name}</b> ${option.description}
      ${limits === '' ? nothing : html`<span class="muted">(${limits})</span>`}
    </p>`;
  }

  #answer({ name }: CommandOption, answer: string | File | undefined): void {
    const answers = new Map(this.answers);
    if (answer === undefined || answer === '') answers.delete(name);
    else answers.set(name, answer);
    this.answers = answers;
    this.problems = new Map([...this.problems].filter(([other]) => other !== name));
    if (answer instanceof File) void this.#goOn(name);
  }

  /** The button that opened the file dialog is gone once there is a file: the focus goes to what is still to be given. */
  async #goOn(name: string): Promise<void> {
    await this.updateComplete;
    const field = this.#field(name);
    await field?.updateComplete;
    const { activeElement } = document;
    if (activeElement === document.body || field?.contains(activeElement) === true) await this.#focusFirst();
  }

  #remove(option: CommandOption): void {
    const at = this.added.indexOf(option.name);
    this.#answer(option, undefined);
    this.added = this.added.filter((name) => name !== option.name);
    const before = this.added[at - 1] ?? this.#shown.at(-1)?.name;
    if (before === undefined) this.querySelector<HTMLElement>('.send')?.focus();
    else void this.#focus(before);
  }

  async #onSubmit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.sending) return;
    const { answers } = this;
    this.problems = problemsOf(this.command, answers);
    this.refusal = undefined;
    const [wrong] = this.problems.keys();
    if (wrong !== undefined) {
      await this.#focus(wrong);
      return;
    }
    this.sending = true;
    try {
      await this.chat.act.run(this.command.name, givenOnly(answers));
      this.#leave();
    } catch (error) {
      this.#refuse(inWords(error));
    } finally {
      this.sending = false;
    }
  }

  /** An error that begins with the name of an option or of its file is shown there, unless it may mean the command. */
  #refuse(words: string): void {
    const option = this.#shown.find(({ name }) => {
      const answer = this.answers.get(name);
      if (answer instanceof File && words.startsWith(answer.name)) return true;
      return name !== this.command.name && new RegExp(`^(option )?["'\`]?${name}["'\`]?[ :]`).test(words);
    });
    if (option === undefined) this.refusal = words;
    else {
      this.problems = new Map([[option.name, words]]);
      void this.#focus(option.name);
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      // An open list of options closes first: the browser does that.
      if (this.querySelector('.option-menu:popover-open') !== null) return;
      event.preventDefault();
      this.#leave();
    }
    const writing = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement;
    if (event.key === 'Enter' && writing && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.querySelector('form')?.requestSubmit();
    }
  }

  #onFocus({ target }: Event): void {
    const field = target instanceof HTMLElement ? target.closest<HTMLElement>('option-field') : null;
    this.focused = field?.dataset['name'];
  }

  #onMenuKey(event: KeyboardEvent): void {
    moveFocus(event, [...this.querySelectorAll<HTMLElement>('.option-menu [role=menuitem]')]);
  }

  #showMore({ currentTarget }: Event): void {
    const menu = this.querySelector<HTMLElement>('.option-menu');
    if (menu === null || !(currentTarget instanceof HTMLElement)) return;
    openPopup(menu, currentTarget);
    menu.querySelector('button')?.focus();
  }

  /** Goes to an option, which may have to be drawn first. */
  async #focus(name: string): Promise<void> {
    await this.updateComplete;
    const field = this.#field(name);
    await field?.updateComplete;
    field?.focus();
  }

  #field(name: string): OptionField | undefined {
    const field = this.querySelector(`option-field[data-name="${CSS.escape(name)}"]`);
    return field instanceof OptionField ? field : undefined;
  }

  async #focusFirst(): Promise<void> {
    await this.updateComplete;
    const first = this.#shown.find(({ name }) => !this.answers.has(name));
    if (first === undefined) this.querySelector<HTMLElement>('.send')?.focus();
    else await this.#focus(first.name);
  }

  #leave(): void {
    this.dispatchEvent(new CustomEvent('leave', { bubbles: true }));
  }
}
customElements.define('command-form', CommandForm);

export { CommandForm };
