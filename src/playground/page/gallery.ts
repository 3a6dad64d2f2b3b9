import { LitElement, html, nothing } from 'lit';
import { eyeIcon, playIcon } from './icons.ts';
import { formatTime, reachable, type Media } from './media.ts';
import { openViewer } from './viewer.ts';

/** Pictures and films of a message in the arrangement Discord gives to that many of them. */
class MediaGallery extends LitElement {
  static override properties = { items: { attribute: false }, revealed: { state: true }, lengths: { state: true } };
  declare items: readonly Media[];
  /** indexes of spoilers that were opened */
  declare revealed: ReadonlySet<number>;
  /** of films by their index, in seconds, once that is known */
  declare lengths: ReadonlyMap<number, number>;

  constructor() {
    super();
    this.items = [];
    this.revealed = new Set();
    this.lengths = new Map();
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
      aria-label=${count > 1 ? `${count} ${this.items.some(({ kind }) => kind === 'film') ? 'files' : 'pictures'}` : nothing}
    >
      ${this.items.map((item, at) => this.#item(item, at))}
    </div>`;
  }

  #item(item: Media, at: number) {
    const isFilm = item.kind === 'film';
    const label = item.alt || `${isFilm ? 'Video' : 'Picture'} ${at + 1} of ${this.items.length}`;
    const hidden = item.spoiler && !this.revealed.has(at);
    return html`<button
      type="button"
      class="gallery-item"
      ?data-hidden=${hidden}
      aria-label=${hidden ? `Spoiler: show ${label}` : `${label}: ${isFilm ? 'play' : 'open'}`}
      @click=${() => (hidden ? this.#reveal(at) : openViewer(this.items, at))}
      @pointerenter=${isFilm && !hidden ? playShort : nothing}
      @pointerleave=${isFilm ? endShort : nothing}
    >
      ${
        isFilm
          ? html`<video
                src=${reachable(item.url)}
                preload="metadata"
                playsinline
                loop
                .muted=${true}
                @loadedmetadata=${({ currentTarget }: Event) => this.#measure(at, currentTarget)}
              ></video>
              ${hidden ? nothing : this.#playMark(at)}`
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

  #playMark(at: number) {
    const length = this.lengths.get(at);
    return html`<span class="play-mark" aria-hidden="true">${playIcon}</span>
      ${length === undefined ? nothing : html`<span class="film-length">${formatTime(length)}</span>`}`;
  }

  #measure(at: number, film: EventTarget | null): void {
    if (!(film instanceof HTMLVideoElement) || !Number.isFinite(film.duration)) return;
    this.lengths = new Map([...this.lengths, [at, film.duration]]);
  }

  #reveal(at: number): void {
    this.revealed = new Set([...this.revealed, at]);
  }
}
customElements.define('media-gallery', MediaGallery);

/** Without a sound, while the pointer rests on it. */
function playShort({ currentTarget }: Event): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const film = filmIn(currentTarget);
  // It is refused where the pointer has left before it began.
  film?.play().catch(() => {});
}

function endShort({ currentTarget }: Event): void {
  const film = filmIn(currentTarget);
  if (!film) return;
  film.pause();
  film.currentTime = 0;
}

function filmIn(item: EventTarget | null): HTMLVideoElement | null {
  return item instanceof HTMLElement ? item.querySelector('video') : null;
}
