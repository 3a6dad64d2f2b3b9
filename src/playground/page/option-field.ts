import { LitElement, html, nothing } from 'lit';
import { ApplicationCommandOptionType } from 'discord-api-types/v10';
import type { Answers } from './answers.ts';
import './combo-box.ts';
import type { ComboChoice } from './combo-box.ts';
import type { CommandOption } from './commands.ts';
import './file-field.ts';
import { acceptOf } from './file-field.ts';
import { closeIcon } from './icons.ts';
import type { Chat } from './session.ts';

/** One option of a command being written. Tells of a change with an `answered` event, of its removal with `remove`. */
class OptionField extends LitElement {
  static override properties = {
    option: { attribute: false },
    command: {},
    answer: { attribute: false },
    answers: { attribute: false },
    problem: {},
    chat: { attribute: false },
  };
  declare option: CommandOption;
  declare command: string;
  declare answer: string | File | undefined;
  /** of all options, so that the bot can suggest what goes with the others */
  declare answers: Answers;
  declare problem: string | undefined;
  declare chat: Chat;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    const { name, required, type } = this.option;
    const id = `option-${name}`;
    return html`<div
      class="option"
      ?data-file=${type === ApplicationCommandOptionType.Attachment}
      ?data-wide=${type === ApplicationCommandOptionType.String && this.#choices.length === 0}
      ?data-invalid=${this.problem !== undefined}
    >
      <span class="option-name" id=${id}
        >${name}${required === true ? html`<b title="Needed" aria-hidden="true">*</b>` : nothing}</span
      >
      <div class="option-value">${this.#control()}</div>
      ${
        required === true
          ? nothing
          : html`<button type="button" class="icon-button remove" aria-label="Remove ${name}" @click=${this.#remove}>
              ${closeIcon}
            </button>`
      }
      ${
        this.problem === undefined
          ? nothing
          : html`<p class="problem" id="${id}-problem" role="alert">${this.problem}</p>`
      }
    </div>`;
  }

  /** Done when the control inside is drawn too, so that it can take the focus. */
  protected override async getUpdateComplete(): Promise<boolean> {
    const done = await super.getUpdateComplete();
    const control = this.querySelector('combo-box, file-field');
    if (control instanceof LitElement) await control.updateComplete;
    return done;
  }

  override focus(): void {
    this.querySelector<HTMLElement>('file-field, combo-box, textarea, input')?.focus();
  }

  get #label(): string {
    return `${this.option.name}: ${this.option.description}`;
  }

  #control() {
    const { option } = this;
    if (option.type === ApplicationCommandOptionType.Attachment) {
      return html`<file-field
        .files=${this.answer instanceof File ? [this.answer] : []}
        .label=${this.#label}
        .accept=${acceptOf(option.file_types)}
        @choose-files=${({ detail }: CustomEvent<readonly File[]>) => this.#answer(detail[0])}
      ></file-field>`;
    }
    const text = typeof this.answer === 'string' ? this.answer : '';
    const suggests = 'autocomplete' in option && (option.autocomplete ?? false);
    if (suggests || this.#choices.length > 0) {
      return html`<combo-box
        .choices=${this.#choices}
        .ask=${suggests ? this.#suggest : undefined}
        .value=${text}
        .label=${this.#label}
        .placeholder=${suggests ? option.description : 'Choose…'}
        .invalid=${this.problem !== undefined}
        @answer=${({ detail }: CustomEvent<string>) => this.#answer(detail)}
      ></combo-box>`;
    }
    const number =
      option.type === ApplicationCommandOptionType.Integer || option.type === ApplicationCommandOptionType.Number;
    return html`<textarea
      rows="1"
      autocomplete="off"
      inputmode=${number ? 'decimal' : 'text'}
      enterkeyhint="send"
      aria-label=${this.#label}
      aria-required=${option.required === true ? 'true' : 'false'}
      aria-invalid=${this.problem === undefined ? nothing : 'true'}
      aria-describedby=${this.problem === undefined ? nothing : `option-${option.name}-problem`}
      placeholder=${option.description}
      .value=${text}
      @input=${this.#onInput}
      @keydown=${this.#onKey}
    ></textarea>`;
  }

  get #choices(): readonly ComboChoice[] {
    const { option } = this;
    const { server, me } = this.chat;
    if (option.type === ApplicationCommandOptionType.Boolean) {
      return [
        { name: 'True', value: 'true' },
        { name: 'False', value: 'false' },
      ];
    }
    if (option.type === ApplicationCommandOptionType.User || option.type === ApplicationCommandOptionType.Mentionable) {
      return server.users.map(({ id, displayName }) => ({ name: displayName, value: id }));
    }
    if (option.type === ApplicationCommandOptionType.Channel) {
      const visible = server.channels.filter(({ users }) => users.includes(me.id));
      return visible.map(({ id, name }) => ({ name: `#${name}`, value: id }));
    }
    if (!('choices' in option)) return [];
    return (option.choices ?? []).map(({ name, value }) => ({ name, value: String(value) }));
  }

  readonly #suggest = async (typed: string, signal: AbortSignal): Promise<ComboChoice[]> => {
    const others = [...this.answers].flatMap(([name, answer]) => (typeof answer === 'string' ? [[name, answer]] : []));
    const { name } = this.option;
    const query = { ...Object.fromEntries(others), command: this.command, option: name, value: typed };
    const choices = await this.chat.act.autocomplete(query, signal);
    return choices.map(({ name, value }) => ({ name, value: String(value) }));
  };

  #onInput({ currentTarget }: Event): void {
    if (currentTarget instanceof HTMLTextAreaElement) this.#answer(currentTarget.value);
  }

  /** Backspace in an empty optional field takes the option away, as in Discord. */
  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'Backspace' || this.answer || this.option.required === true) return;
    event.preventDefault();
    this.#remove();
  }

  #answer(detail: string | File | undefined): void {
    this.dispatchEvent(new CustomEvent('answered', { detail, bubbles: true }));
  }

  #remove(): void {
    this.dispatchEvent(new CustomEvent('remove-option', { bubbles: true }));
  }
}
customElements.define('option-field', OptionField);

export { OptionField };
