import { LitElement, html, nothing, type PropertyValues } from 'lit';

export interface ComboChoice {
  readonly name: string;
  readonly value: string;
}

/** Pause in typing after which the bot is asked for its suggestions. */
const askAfterMs = 200;
let counter = 0;

/**
 * A text field with choices below it. `choices` bind: only one of them is a value. `ask` suggests: any text is a value.
 * Tells of a change with an `answer` event: `detail` is the value.
 */
class ComboBox extends LitElement {
  static override properties = {
    choices: { attribute: false },
    ask: { attribute: false },
    value: {},
    label: {},
    placeholder: {},
    invalid: { type: Boolean },
    text: { state: true },
    offered: { state: true },
    active: { state: true },
    open: { state: true },
  };
  declare choices: readonly ComboChoice[];
  declare ask: ((typed: string, signal: AbortSignal) => Promise<readonly ComboChoice[]>) | undefined;
  declare value: string;
  declare label: string;
  declare placeholder: string;
  declare invalid: boolean;
  declare text: string;
  declare offered: readonly ComboChoice[];
  declare active: number;
  declare open: boolean;
  readonly #id = `combo-${(counter += 1)}`;
  #asking: AbortController | undefined;

  constructor() {
    super();
    this.choices = [];
    this.value = '';
    this.label = '';
    this.placeholder = '';
    this.invalid = false;
    this.text = '';
    this.offered = [];
    this.active = 0;
    this.open = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#asking?.abort();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('value') && !this.open) {
      this.text = this.choices.find(({ value }) => value === this.value)?.name ?? this.value;
    }
  }

  protected override render() {
    const open = this.open && this.offered.length > 0;
    return html`<input
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        aria-label=${this.label}
        aria-expanded=${open ? 'true' : 'false'}
        aria-controls=${this.#id}
        aria-autocomplete="list"
        aria-activedescendant=${open ? `${this.#id}-${this.active}` : nothing}
        aria-invalid=${this.invalid ? 'true' : nothing}
        placeholder=${this.placeholder}
        .value=${this.text}
        @input=${this.#onInput}
        @focus=${this.#show}
        @click=${this.#show}
        @blur=${this.#hide}
        @keydown=${this.#onKey}
      />
      <ul id=${this.#id} class="combo-list" role="listbox" aria-label=${this.label} ?hidden=${!open}>
        ${this.offered.map(
          ({ name }, at) =>
            html`<li
              id="${this.#id}-${at}"
              role="option"
              aria-selected=${at === this.active ? 'true' : 'false'}
              @mousedown=${(event: Event) => {
                event.preventDefault();
                this.#choose(at);
              }}
            >
              ${name}
            </li>`,
        )}
      </ul>`;
  }

  override focus(): void {
    this.querySelector('input')?.focus();
  }

  #onInput({ currentTarget }: Event): void {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    this.text = currentTarget.value;
    const exact = this.choices.find(({ name }) => name.toLowerCase() === this.text.toLowerCase());
    this.#answer(this.ask === undefined ? (exact?.value ?? '') : this.text);
    this.#offer();
    this.open = true;
  }

  #show(): void {
    if (this.open) return;
    this.open = true;
    this.#offer(true);
  }

  #hide(): void {
    this.open = false;
    this.#asking?.abort();
    if (this.ask === undefined) this.text = this.choices.find(({ value }) => value === this.value)?.name ?? '';
  }

  #offer(all = false): void {
    this.active = 0;
    if (this.ask !== undefined) {
      void this.#askSoon(this.text);
      return;
    }
    const typed = all ? '' : this.text.toLowerCase();
    this.offered = this.choices.filter(({ name }) => name.toLowerCase().includes(typed));
  }

  async #askSoon(typed: string): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    await new Promise((resolve) => setTimeout(resolve, askAfterMs));
    if (asking.signal.aborted) return;
    const offered = await this.ask?.(typed, asking.signal).catch(() => []);
    if (!asking.signal.aborted) this.offered = offered ?? [];
  }

  #choose(at: number): void {
    const choice = this.offered[at];
    if (choice === undefined) return;
    this.text = choice.name;
    this.open = false;
    this.#answer(choice.value);
  }

  #answer(value: string): void {
    this.value = value;
    this.dispatchEvent(new CustomEvent('answer', { detail: value, bubbles: true }));
  }

  /** Keys that the list uses go no further: Enter chooses before it sends, Escape closes the list before the command. */
  #onKey(event: KeyboardEvent): void {
    const open = this.open && this.offered.length > 0;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) {
        this.#show();
        return;
      }
      const by = event.key === 'ArrowDown' ? 1 : -1;
      this.active = (this.active + by + this.offered.length) % this.offered.length;
      void this.updateComplete.then(() =>
        this.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }),
      );
    } else if (open && (event.key === 'Enter' || event.key === 'Tab')) {
      // Text that the bot merely suggests about is not replaced on leaving the field.
      if (event.key === 'Tab' && (this.ask !== undefined || this.text === '')) return;
      if (event.key === 'Enter') {
        event.preventDefault();
        event.stopPropagation();
      }
      this.#choose(this.active);
    } else if (open && event.key === 'Escape') {
      event.stopPropagation();
      this.open = false;
    }
  }
}
customElements.define('combo-box', ComboBox);
