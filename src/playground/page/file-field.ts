import { LitElement, html, nothing, type PropertyValues } from 'lit';
import { addFileIcon, closeIcon, fileIcon, filmIcon, soundIcon } from './icons.ts';
import { formatSize, kindOf, type MediaKind } from './media.ts';

const kindIcons: Readonly<Record<MediaKind, unknown>> = {
  picture: fileIcon,
  film: filmIcon,
  sound: soundIcon,
  file: fileIcon,
};

/** A place for a file: click, drop or paste. Tells of a change with a `choose-files` event: `detail` is the files. */
class FileField extends LitElement {
  static override properties = {
    files: { attribute: false },
    max: { type: Number },
    accept: {},
    label: {},
    description: {},
    over: { state: true },
  };
  declare files: readonly File[];
  declare max: number;
  /** as an `<input>`'s `accept` */
  declare accept: string;
  declare label: string;
  declare description: string;
  declare over: boolean;
  /** object addresses of the previews, given back when their file goes */
  readonly #previews = new Map<File, string>();

  constructor() {
    super();
    this.files = [];
    this.max = 1;
    this.accept = '';
    this.label = '';
    this.description = '';
    this.over = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#keepPreviews([]);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('files')) this.#keepPreviews(this.files);
  }

  protected override render() {
    const empty = this.files.length === 0;
    return html`<div
      class="file-field"
      ?data-over=${this.over}
      @dragover=${this.#onDragOver}
      @dragleave=${() => (this.over = false)}
      @drop=${this.#onDrop}
    >
      ${this.files.map((file) => this.#chosen(file))}
      ${
        this.files.length < this.max
          ? html`<button
              type="button"
              class="file-add"
              aria-label="${this.label}: choose a file"
              @click=${this.#browse}
            >
              ${addFileIcon}
              <span>${empty ? 'Drop, paste or choose a file' : 'Add another'}</span>
            </button>`
          : nothing
      }
      <input
        type="file"
        hidden
        tabindex="-1"
        aria-label=${this.label}
        accept=${this.accept || nothing}
        ?multiple=${this.max > 1}
        @change=${this.#onChosen}
      />
    </div>`;
  }

  #chosen(file: File) {
    return html`<div class="file-chosen">
      ${this.#preview(file)}
      <span class="file-name" title=${file.name}>${file.name}</span>
      <small>${formatSize(file.size)}</small>
      <button type="button" class="icon-button" aria-label="Remove ${file.name}" @click=${() => this.#remove(file)}>
        ${closeIcon}
      </button>
    </div>`;
  }

  #preview(file: File) {
    const kind = kindOf(file.type, file.name);
    const url = this.#previews.get(file);
    if (url === undefined) return kindIcons[kind];
    if (kind === 'picture') return html`<img src=${url} alt="Preview of ${file.name}" />`;
    // What this browser cannot play, such as some of QuickTime's films, is a dark square with its name beside it.
    return html`<video src=${url} aria-label="Preview of ${file.name}" preload="metadata" .muted=${true}></video>`;
  }

  override focus(): void {
    this.querySelector('button')?.focus();
  }

  #browse(): void {
    this.querySelector('input')?.click();
  }

  #remove(file: File): void {
    this.#set(this.files.filter((other) => other !== file));
    void this.updateComplete.then(() => this.focus());
  }

  #onChosen({ currentTarget }: Event): void {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    this.#add([...(currentTarget.files ?? [])]);
    currentTarget.value = '';
  }

  #onDragOver(event: DragEvent): void {
    event.preventDefault();
    this.over = true;
  }

  #onDrop(event: DragEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.over = false;
    this.#add([...(event.dataTransfer?.files ?? [])]);
  }

  /** One place holds one file: a new one replaces it. */
  #add(files: readonly File[]): void {
    if (files.length === 0) return;
    this.#set(this.max === 1 ? files.slice(0, 1) : [...this.files, ...files].slice(0, this.max));
  }

  #set(files: readonly File[]): void {
    this.files = files;
    this.dispatchEvent(new CustomEvent('choose-files', { detail: files, bubbles: true }));
  }

  #keepPreviews(files: readonly File[]): void {
    for (const [file, url] of this.#previews) {
      if (files.includes(file)) continue;
      URL.revokeObjectURL(url);
      this.#previews.delete(file);
    }
    for (const file of files) {
      if (['picture', 'film'].includes(kindOf(file.type, file.name)) && !this.#previews.has(file)) {
        this.#previews.set(file, URL.createObjectURL(file));
      }
    }
  }
}
customElements.define('file-field', FileField);

/** Discord's `file_types` (`image`, `.pdf`) as an `<input>`'s `accept`. */
export function acceptOf(fileTypes: readonly string[] | undefined): string {
  return (fileTypes ?? []).map((type) => (type.startsWith('.') ? type : `${type}/*`)).join(',');
}
