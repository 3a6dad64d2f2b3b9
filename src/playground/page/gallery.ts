import { LitElement, html, nothing } from 'lit';
import { eyeIcon } from './icons.ts';
import { reachable, type Media } from './media.ts';
import { openViewer } from './viewer.ts';

/** Pictures of a message in the arrangement Discord gives to that many of them. */
class MediaGallery extends LitElement {
  static override properties = { items: { attribute: false }, revealed: { state: true } };
  declare items: readonly Media[];
  /** indexes of spoilers that were opened */
  declare revealed: ReadonlySet<number>;

  constructor() {
    super();
    this.items = [];
    this.revealed = new Set();
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render() {
    const count = this.items.length;
    return html`<div
      class="gallery"
      data-count=${count}
      role="group"
      aria-label=${count > 1 ? `${count} pictures` : nothing}
    >
      ${this.items.map((item, at) => this.#item(item, at))}
    </div>`;
  }

  #item(item: Media, at: number) {
    const label = item.alt || `Picture ${at + 1} of ${this.items.length}`;
    const hidden = item.spoiler && !this.revealed.has(at);
    return html`<button
      type="button"
      class="gallery-item"
      ?data-hidden=${hidden}
      aria-label=${hidden ? `Spoiler: show ${label}` : `${label}: open`}
      @click=${() => (hidden ? this.#reveal(at) : openViewer(this.items, at))}
    >
      ${
        item.kind === 'film'
          ? html`<video src=${reachable(item.url)} preload="metadata" muted></video>`
          : html`<img
              src=${reachable(item.url)}
              alt=${label}
              width=${item.width ?? nothing}
              height=${item.height ?? nothing}
              loading="lazy"
            />`
      }
      ${hidden ? html`<span class="gallery-spoiler">${eyeIcon} Spoiler</span>` : nothing}
      ${item.alt === '' || hidden ? nothing : html`<span class="alt-badge" aria-hidden="true">ALT</span>`}
    </button>`;
  }

  #reveal(at: number): void {
    this.revealed = new Set([...this.revealed, at]);
  }
}
customElements.define('media-gallery', MediaGallery);
