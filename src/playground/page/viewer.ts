import { LitElement, html, nothing } from 'lit';
import { closeIcon, leftIcon, openIcon, rightIcon } from './icons.ts';
import { fileNameOf, reachable, type Media } from './media.ts';

/** The pictures and films of one gallery, one at a time, over the whole page. */
class MediaViewer extends LitElement {
  static override properties = { items: { attribute: false }, at: { type: Number } };
  declare items: readonly Media[];
  declare at: number;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render() {
    const item = this.items[this.at];
    if (item === undefined) return nothing;
    const url = reachable(item.url);
    const several = this.items.length > 1;
    return html`<dialog
      class="viewer"
      aria-label=${item.kind === 'film' ? 'Video player' : 'Picture viewer'}
      @close=${() => this.remove()}
      @keydown=${this.#onKey}
      @click=${this.#onClick}
    >
      <header>
        <span aria-live="polite">${several ? `${this.at + 1} of ${this.items.length}` : nothing}</span>
        <a class="viewer-open" href=${url} target="_blank" rel="noopener noreferrer">${openIcon} Open original</a>
        <button type="button" class="icon-button" aria-label="Close" @click=${this.#close}>${closeIcon}</button>
      </header>
      <figure>
        ${
          item.kind === 'film'
            ? html`<video
                src=${url}
                aria-label=${item.alt || fileNameOf(url)}
                controls
                autoplay
                playsinline
                loop
              ></video>`
            : html`<img src=${url} alt=${item.alt || fileNameOf(url)} />`
        }
        <figcaption>${item.alt || fileNameOf(url)}</figcaption>
      </figure>
      ${
        several
          ? html`<button
                type="button"
                class="viewer-step previous"
                aria-label="Previous"
                @click=${() => this.#step(-1)}
              >
                ${leftIcon}
              </button>
              <button type="button" class="viewer-step next" aria-label="Next" @click=${() => this.#step(1)}>
                ${rightIcon}
              </button>`
          : nothing
      }
    </dialog>`;
  }

  #step(by: number): void {
    this.at = (this.at + by + this.items.length) % this.items.length;
  }

  #close(): void {
    this.querySelector('dialog')?.close();
  }

  #onKey(event: KeyboardEvent): void {
    // In a film they wind.
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === 'ArrowLeft') this.#step(-1);
    if (event.key === 'ArrowRight') this.#step(1);
  }

  /** A click beside the picture leaves. */
  #onClick({ target }: Event): void {
    if (target instanceof HTMLElement && ['DIALOG', 'FIGURE'].includes(target.tagName)) this.#close();
  }
}
customElements.define('media-viewer', MediaViewer);

/** Focus returns to where it was when the viewer is left: `<dialog>` sees to it. */
export function openViewer(items: readonly Media[], at: number): void {
  const viewer = new MediaViewer();
  viewer.items = items;
  viewer.at = at;
  document.body.append(viewer);
}
