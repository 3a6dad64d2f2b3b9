import { LitElement, html, nothing } from 'lit';
import { chevronIcon } from './icons.ts';
import { moveFocus, openPopup } from './popup.ts';

export interface SelectChoice {
  readonly value: string;
  readonly label: string;
  readonly description?: string | undefined;
  readonly emoji?: string | undefined;
}

/** A select menu of a message or a modal. Tells what was chosen with a `choose` event: `detail` is the values. */
class SelectMenu extends LitElement {
  static override properties = {
    choices: { attribute: false },
    value: { attribute: false },
    min: { type: Number },
    max: { type: Number },
    placeholder: {},
    label: {},
    disabled: { type: Boolean },
    busy: { type: Boolean },
    open: { state: true },
  };
  declare choices: readonly SelectChoice[];
  declare value: readonly string[];
  declare min: number;
  declare max: number;
  declare placeholder: string;
  declare label: string;
  declare disabled: boolean;
  declare busy: boolean;
  declare open: boolean;
  #changed = false;

  constructor() {
    super();
    this.choices = [];
    this.value = [];
    this.min = 1;
    this.max = 1;
    this.placeholder = '';
    this.label = '';
    this.disabled = false;
    this.busy = false;
    this.open = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    const chosen = this.choices.filter(({ value }) => this.value.includes(value));
    return html`<button
        type="button"
        class="select-button"
        role="combobox"
        aria-haspopup="listbox"
        aria-expanded=${this.open ? 'true' : 'false'}
        aria-label=${this.label || this.placeholder || 'Make a selection'}
        aria-busy=${this.busy ? 'true' : nothing}
        ?disabled=${this.disabled || this.busy}
        @click=${this.#show}
        @keydown=${this.#onButtonKey}
      >
        ${
          chosen.length === 0
            ? html`<span class="select-placeholder">${this.placeholder || 'Make a selection'}</span>`
            : html`<span class="select-chosen"
                >${chosen.map(({ emoji, label }) => html`<span>${emoji} ${label}</span>`)}</span
              >`
        }
        ${this.busy ? html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>` : chevronIcon}
      </button>
      <div
        popover="auto"
        class="popup select-list"
        role="listbox"
        aria-label=${this.placeholder || 'Choices'}
        aria-multiselectable=${this.max > 1 ? 'true' : 'false'}
        @toggle=${this.#onToggle}
        @keydown=${this.#onListKey}
      >
        ${this.choices.map((choice) => this.#choice(choice))}
      </div>`;
  }

  #choice(choice: SelectChoice) {
    const chosen = this.value.includes(choice.value);
    return html`<button
      type="button"
      role="option"
      class="select-option"
      aria-selected=${chosen ? 'true' : 'false'}
      tabindex="-1"
      @click=${() => this.#toggle(choice.value)}
    >
      ${choice.emoji === undefined ? nothing : html`<span class="emoji">${choice.emoji}</span>`}
      <span class="select-text">
        <span>${choice.label}</span>
        ${choice.description === undefined ? nothing : html`<small>${choice.description}</small>`}
      </span>
      ${this.max > 1 ? html`<span class="check" aria-hidden="true"></span>` : nothing}
    </button>`;
  }

  get #list(): HTMLElement | null {
    return this.querySelector<HTMLElement>('[popover]');
  }

  get #options(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>('[role=option]')];
  }

  #show(): void {
    const button = this.querySelector('button');
    if (this.#list === null || button === null) return;
    this.#changed = false;
    openPopup(this.#list, button, { sameWidth: true });
    const chosen = this.#options.find((option) => option.ariaSelected === 'true');
    (chosen ?? this.#options[0])?.focus();
  }

  #toggle(value: string): void {
    if (this.max === 1) {
      this.value = this.value.includes(value) && this.min === 0 ? [] : [value];
      this.#changed = true;
      this.#list?.hidePopover();
    } else if (this.value.includes(value)) {
      this.value = this.value.filter((other) => other !== value);
      this.#changed = true;
    } else if (this.value.length < this.max) {
      this.value = [...this.value, value];
      this.#changed = true;
    }
  }

  /** Several values are sent together, when the list closes. */
  #onToggle(event: ToggleEvent): void {
    this.open = event.newState === 'open';
    if (this.open || !this.#changed || this.value.length < this.min) return;
    this.#changed = false;
    this.dispatchEvent(new CustomEvent('choose', { detail: this.value, bubbles: true }));
  }

  #onButtonKey(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    this.#show();
  }

  #onListKey(event: KeyboardEvent): void {
    // Escape belongs to the list alone: it must not also close the modal around it.
    if (event.key === 'Escape') event.stopPropagation();
    if (event.key === 'Tab') this.#list?.hidePopover();
    moveFocus(event, this.#options);
  }
}
customElements.define('select-menu', SelectMenu);
