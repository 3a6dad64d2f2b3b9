import { LitElement, html } from 'lit';

const absolute: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  t: { timeStyle: 'short' },
  T: { timeStyle: 'medium' },
  d: { dateStyle: 'short' },
  D: { dateStyle: 'long' },
  f: { dateStyle: 'long', timeStyle: 'short' },
  F: { dateStyle: 'full', timeStyle: 'short' },
  s: { dateStyle: 'short', timeStyle: 'short' },
  S: { dateStyle: 'short', timeStyle: 'medium' },
};

/** seconds in a unit, largest first */
const units = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const satisfies readonly (readonly [Intl.RelativeTimeFormatUnit, number])[];

/** `style` is the letter of Discord's `<t:seconds:style>`. */
export function formatTime(at: number, style: string, locale?: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'Invalid date';
  return new Intl.DateTimeFormat(locale, absolute[style] ?? absolute['f']).format(date);
}

function formatRelative(at: number, now: number, locale?: string): string {
  const seconds = Math.round((at - now) / 1000);
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? (['second', 1] as const);
  return new Intl.RelativeTimeFormat(locale).format(Math.trunc(seconds / size), unit);
}

/** A time in a message. Relative ones keep counting, by the playground's clock. */
class TimeStamp extends LitElement {
  static override properties = { at: { type: Number }, format: {}, now: { attribute: false } };
  declare at: number;
  declare format: string;
  declare now: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => {
      if (this.format === 'R') this.requestUpdate();
    }, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override render() {
    const text = this.format === 'R' ? formatRelative(this.at, this.now()) : formatTime(this.at, this.format);
    return html`<time title=${formatTime(this.at, 'F')}>${text}</time>`;
  }
}
customElements.define('time-stamp', TimeStamp);

/** As beside an author's name: the time alone for today, with the day before that. */
export function formatMessageTime(at: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
  if (days === 0) return formatTime(at, 't');
  return days === 1 ? `Yesterday at ${formatTime(at, 't')}` : formatTime(at, 's');
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
