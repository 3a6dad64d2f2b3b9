import { LitElement, html, nothing } from 'lit';
import type { FaultKind } from '../api.ts';
import { clockIcon } from './icons.ts';
import type { Chat } from './session.ts';
import { formatTime } from './time-stamp.ts';

/** The moves worth a button: 14 and 15 minutes are the life of a reply's token, 24 hours that of a file's link. */
const moves = [
  { label: '+1 min', ms: 60_000 },
  { label: '+14 min', ms: 14 * 60_000 },
  { label: '+15 min', ms: 15 * 60_000 },
  { label: '+24 h', ms: 24 * 3_600_000 },
];

const kinds: readonly { kind: FaultKind; label: string }[] = [
  { kind: 'reset', label: 'Connection reset' },
  { kind: 'cut', label: 'Answer cut short' },
  { kind: 'stall', label: 'No answer for a long time' },
  { kind: 'lost-answer', label: 'Done, but the answer is lost' },
  { kind: '502', label: '502 Bad Gateway' },
  { kind: '429', label: '429 Too Many Requests' },
  { kind: '401', label: '401 Unauthorized' },
];

/** What the bot asks of Discord most, so that a fault can meet just that. */
const routes = [
  { route: '', label: 'every request of the bot' },
  { route: 'POST /interactions/{interaction}/{token}/callback', label: 'first answers' },
  { route: 'PATCH /webhooks/{application}/{token}/messages/{message}', label: 'edits of answers' },
  { route: 'POST /webhooks/{application}/{token}', label: 'follow-ups' },
  { route: 'POST /channels/{channel}/messages', label: 'new messages' },
  { route: 'PATCH /channels/{channel}/messages/{message}', label: 'edits of messages' },
];

/** The playground's clock and its faults, folded away: they are for trying how the bot bears them. */
class TimeAndFaults extends LitElement {
  static override properties = { chat: { attribute: false } };
  declare chat: Chat;
  #timer: ReturnType<typeof setInterval> | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override render() {
    const { server, act, now } = this.chat;
    return html`<details class="time-and-faults">
      <summary>
        ${clockIcon} Time and faults
        ${server.faults.length > 0 ? html`<span class="count">${server.faults.length}</span>` : nothing}
      </summary>
      <div class="controls">
        <p>The clock here shows <b>${formatTime(now(), 'T')}</b> <small>${formatTime(now(), 'd')}</small></p>
        <p class="moves">
          ${moves.map(
            ({ label, ms }) =>
              html`<button type="button" class="button secondary" @click=${() => act.advance(ms)}>${label}</button>`,
          )}
        </p>
        <form @submit=${this.#onSubmit}>
          <label
            >What goes wrong
            <select name="kind">
              ${kinds.map(({ kind, label }) => html`<option value=${kind}>${label}</option>`)}
            </select></label
          >
          <label
            >with
            <select name="route">
              ${routes.map(({ route, label }) => html`<option value=${route}>${label}</option>`)}
            </select></label
          >
          <label>how often <input name="times" type="number" min="1" max="1000" value="1" required /></label>
          <button type="submit" class="button secondary">Switch on</button>
        </form>
        ${
          server.faults.length === 0
            ? html`<p class="muted">No faults are on.</p>`
            : html`<ul class="faults" aria-label="Faults that are on">
                ${server.faults.map(
                  (fault) =>
                    html`<li>
                      <span
                        >${kinds.find(({ kind }) => kind === fault.kind)?.label ?? fault.kind},
                        ${fault.times === 1 ? 'once' : `${fault.times} times`},
                        ${routes.find(({ route }) => route === (fault.route ?? ''))?.label ?? fault.route}</span
                      >
                      <button type="button" class="link" @click=${() => act.setFault({ ...fault, times: 0 })}>
                        Off
                      </button>
                    </li>`,
                )}
              </ul>`
        }
      </div>
    </details>`;
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    const chosen = kinds.find(({ kind }) => kind === form.get('kind'));
    const route = form.get('route');
    if (chosen === undefined) return;
    void this.chat.act.setFault({
      kind: chosen.kind,
      times: Number(form.get('times')),
      ...(typeof route === 'string' && route !== '' ? { route } : {}),
    });
  }
}
customElements.define('time-and-faults', TimeAndFaults);
