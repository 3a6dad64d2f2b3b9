import { LitElement, html, nothing, type TemplateResult } from 'lit';
import {
  ComponentType,
  TextInputStyle,
  type APIComponentInLabel,
  type APILabelComponent,
  type APITextInputComponent,
} from 'discord-api-types/v10';
import { avatar } from './avatar.ts';
import './file-field.ts';
import { acceptOf } from './file-field.ts';
import { closeIcon } from './icons.ts';
import { markdown } from './markdown-view.ts';
import { choicesOf, defaultsOf } from './select-choices.ts';
import './select-menu.ts';
import { inWords, type Chat, type OpenModal } from './session.ts';

type Part = string | File;

/** A label with its control, whichever way the modal was written: a row with a text input is the older one. */
interface Field {
  readonly label: string;
  readonly description: string | undefined;
  readonly component: APIComponentInLabel;
}

/** The modal that the bot has answered with. */
class ModalDialog extends LitElement {
  static override properties = {
    modal: { attribute: false },
    chat: { attribute: false },
    answers: { state: true },
    problems: { state: true },
    refusal: { state: true },
    sending: { state: true },
  };
  declare modal: OpenModal;
  declare chat: Chat;
  /** by custom id; only what was touched, the rest is as the bot gave it */
  declare answers: ReadonlyMap<string, readonly Part[]>;
  declare problems: ReadonlyMap<string, string>;
  declare refusal: string | undefined;
  declare sending: boolean;

  constructor() {
    super();
    this.answers = new Map();
    this.problems = new Map();
    this.sending = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
    this.querySelector<HTMLElement>('.modal-fields :is(input:not([hidden]), textarea, button)')?.focus();
  }

  protected override render() {
    const { data } = this.modal;
    const { user } = this.chat.server.bot;
    return html`<dialog
      class="modal"
      aria-labelledby="modal-title"
      @close=${() => this.chat.act.closeModal()}
      @paste=${this.#onPaste}
    >
      <form novalidate @submit=${this.#onSubmit}>
        <header>
          ${avatar({ name: user.username, picture: '/page/troupe.svg' }, 'small')}
          <h2 id="modal-title">${data.title}</h2>
          <button type="button" class="icon-button" aria-label="Close" @click=${this.#close}>${closeIcon}</button>
        </header>
        <div class="modal-fields">
          ${data.components.map((component) => {
            if (component.type === ComponentType.TextDisplay) return markdown(component.content, this.chat);
            if (component.type === ComponentType.Label) return this.#field(ofLabel(component));
            return component.components.map((input) => this.#field(ofTextInput(input)));
          })}
        </div>
        ${this.refusal === undefined ? nothing : html`<p class="problem refusal" role="alert">${this.refusal}</p>`}
        <footer>
          <button type="button" class="button secondary" @click=${this.#close}>Cancel</button>
          <button type="submit" class="button primary" ?disabled=${this.sending}>Submit</button>
        </footer>
      </form>
    </dialog>`;
  }

  #field({ label, description, component }: Field): TemplateResult {
    const id = `field-${component.custom_id}`;
    const problem = this.problems.get(component.custom_id);
    return html`<div class="field" ?data-invalid=${problem !== undefined}>
      <label class="field-label" for=${id}
        >${label}${isRequired(component) ? html`<b aria-hidden="true"> *</b>` : nothing}</label
      >
      ${description === undefined ? nothing : html`<p class="field-description" id="${id}-description">${description}</p>`}
      ${this.#control(component, id, label)}
      ${problem === undefined ? nothing : html`<p class="problem" id="${id}-problem" role="alert">${problem}</p>`}
    </div>`;
  }

  #control(component: APIComponentInLabel, id: string, label: string): TemplateResult {
    const name = component.custom_id;
    const value = this.#valueOf(component);
    const texts = value.filter((part) => typeof part === 'string');
    switch (component.type) {
      case ComponentType.TextInput:
        return this.#textInput(component, id, texts[0] ?? '');
      case ComponentType.FileUpload:
        return html`<file-field
          .files=${value.filter((part) => part instanceof File)}
          .max=${component.max_values ?? 1}
          .label=${label}
          .accept=${acceptOf(component.file_types)}
          @choose-files=${({ detail }: CustomEvent<readonly File[]>) => this.#answer(name, detail)}
        ></file-field>`;
      case ComponentType.RadioGroup:
      case ComponentType.CheckboxGroup: {
        const several = component.type === ComponentType.CheckboxGroup;
        return html`<div class="choices" role=${several ? 'group' : 'radiogroup'} aria-label=${label}>
          ${component.options.map(
            (option) =>
              html`<label class="choice">
                <input
                  type=${several ? 'checkbox' : 'radio'}
                  name=${id}
                  .checked=${texts.includes(option.value)}
                  @change=${() => this.#answer(name, several ? toggled(texts, option.value) : [option.value])}
                />
                <span
                  >${option.label}${option.description === undefined ? nothing : html`<small>${option.description}</small>`}</span
                >
              </label>`,
          )}
        </div>`;
      }
      case ComponentType.Checkbox:
        return html`<input
          id=${id}
          type="checkbox"
          .checked=${texts[0] === 'true'}
          @change=${() => this.#answer(name, [texts[0] === 'true' ? 'false' : 'true'])}
        />`;
      default:
        return html`<select-menu
          .choices=${choicesOf(component, this.chat)}
          .value=${texts}
          .min=${component.min_values ?? 1}
          .max=${component.max_values ?? 1}
          .label=${label}
          .placeholder=${component.placeholder ?? ''}
          @choose=${({ detail }: CustomEvent<readonly string[]>) => this.#answer(name, detail)}
        ></select-menu>`;
    }
  }

  #textInput(component: APITextInputComponent, id: string, value: string): TemplateResult {
    const { custom_id: name, placeholder, max_length: max = 4000 } = component;
    const invalid = this.problems.has(name);
    // Ids that name nothing are passed over, so a field without a description needs no other list.
    const described = `${id}-description${invalid ? ` ${id}-problem` : ''}`;
    const onInput = ({ currentTarget }: Event) => {
      if (currentTarget instanceof HTMLInputElement || currentTarget instanceof HTMLTextAreaElement) {
        this.#answer(name, [currentTarget.value]);
      }
    };
    if (component.style === TextInputStyle.Short) {
      return html`<input
        id=${id}
        type="text"
        autocomplete="off"
        placeholder=${placeholder ?? nothing}
        maxlength=${max}
        aria-required=${isRequired(component) ? 'true' : 'false'}
        aria-invalid=${invalid ? 'true' : nothing}
        aria-describedby=${described}
        .value=${value}
        @input=${onInput}
      />`;
    }
    return html`<textarea
      id=${id}
      rows="4"
      placeholder=${placeholder ?? nothing}
      maxlength=${max}
      aria-required=${isRequired(component) ? 'true' : 'false'}
      aria-invalid=${invalid ? 'true' : nothing}
      aria-describedby=${described}
      .value=${value}
      @input=${onInput}
    ></textarea>`;
  }

  /** Pasted files go into the first place that has room. */
  #onPaste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    for (const component of this.#fields) {
      const given = this.#valueOf(component);
      if (component.type !== ComponentType.FileUpload || given.length >= (component.max_values ?? 1)) continue;
      this.#answer(component.custom_id, [...given, ...files].slice(0, component.max_values ?? 1));
      return;
    }
  }

  #valueOf(component: APIComponentInLabel): readonly Part[] {
    return this.answers.get(component.custom_id) ?? givenOf(component);
  }

  #answer(name: string, parts: readonly Part[]): void {
    this.answers = new Map([...this.answers, [name, parts]]);
    this.problems = new Map([...this.problems].filter(([other]) => other !== name));
  }

  get #fields(): APIComponentInLabel[] {
    return this.modal.data.components.flatMap((component) => {
      if (component.type === ComponentType.Label) return [component.component];
      return component.type === ComponentType.ActionRow ? component.components : [];
    });
  }

  async #onSubmit(event: Event): Promise<void> {
    event.preventDefault();
    const fields = this.#fields.map((component) => ({ component, value: this.#valueOf(component) }));
    this.refusal = undefined;
    this.problems = new Map(
      fields.flatMap(({ component, value }) => {
        const problem = problemOf(component, value);
        return problem === undefined ? [] : [[component.custom_id, problem]];
      }),
    );
    if (this.problems.size > 0) {
      await this.updateComplete;
      this.querySelector<HTMLElement>('[data-invalid] :is(input:not([hidden]), textarea, button)')?.focus();
      return;
    }
    this.sending = true;
    try {
      await this.chat.act.submitModal(new Map(fields.map(({ component, value }) => [component.custom_id, value])));
    } catch (error) {
      this.refusal = inWords(error);
    } finally {
      this.sending = false;
    }
  }

  #close(): void {
    this.querySelector('dialog')?.close();
  }
}
customElements.define('modal-dialog', ModalDialog);

function ofLabel({ label, description, component }: APILabelComponent): Field {
  return { label, description, component };
}

function ofTextInput(component: APITextInputComponent): Field {
  // oxlint-disable-next-line typescript/no-deprecated -- bots may still write their modals the older way
  return { label: component.label ?? '', description: undefined, component };
}

function isRequired(component: APIComponentInLabel): boolean {
  return 'required' in component ? component.required : component.type !== ComponentType.Checkbox;
}

/** The value that the bot gave the field. */
function givenOf(component: APIComponentInLabel): readonly string[] {
  switch (component.type) {
    case ComponentType.TextInput:
      return component.value === undefined ? [] : [component.value];
    case ComponentType.FileUpload:
      return [];
    case ComponentType.RadioGroup:
    case ComponentType.CheckboxGroup:
      return component.options.filter((option) => option.default === true).map(({ value }) => value);
    case ComponentType.Checkbox:
      return [component.default === true ? 'true' : 'false'];
    default:
      return defaultsOf(component);
  }
}

function toggled(values: readonly string[], value: string): string[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

function problemOf(component: APIComponentInLabel, value: readonly Part[]): string | undefined {
  const [first] = value;
  if (value.length === 0 || first === '') return isRequired(component) ? 'This is needed.' : undefined;
  if (component.type === ComponentType.TextInput && typeof first === 'string') {
    const { min_length: min = 0 } = component;
    return first.length < min ? `At least ${min} characters, please.` : undefined;
  }
  if ('min_values' in component && component.min_values !== undefined && value.length < component.min_values) {
    return `At least ${component.min_values}, please.`;
  }
  return undefined;
}
