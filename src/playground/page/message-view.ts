import { html, nothing, type TemplateResult } from 'lit';
import { MessageFlags, type APIMessage } from 'discord-api-types/v10';
import { attachmentsView } from './attachments-view.ts';
import { appBadge, avatar, faceOf } from './avatar.ts';
import { componentView } from './components-view.ts';
import { embedView } from './embed-view.ts';
import { eyeIcon } from './icons.ts';
import { markdown } from './markdown-view.ts';
import './message-menu.ts';
import type { Chat } from './session.ts';
import { formatMessageTime, formatTime } from './time-stamp.ts';

/** Messages of one author closer together than this stand under one name, as in Discord. */
const groupMs = 7 * 60_000;

function has(message: APIMessage, flag: MessageFlags): boolean {
  return ((message.flags ?? 0) & flag) !== 0;
}

export function messageView(message: APIMessage, previous: APIMessage | undefined, chat: Chat): TemplateResult {
  const face = faceOf(message.author, chat);
  const at = Date.parse(message.timestamp);
  const ephemeral = has(message, MessageFlags.Ephemeral);
  const reply = replyLine(message, chat);
  const grouped = reply === nothing && previous !== undefined && continues(message, previous);
  const nameId = `name-${message.id}`;
  return html`<article
    class="message"
    id="message-${message.id}"
    ?data-grouped=${grouped}
    ?data-ephemeral=${ephemeral}
    aria-labelledby=${nameId}
  >
    ${reply}
    <div class="message-gutter">
      ${grouped ? html`<time class="hover-time">${formatTime(at, 't')}</time>` : avatar(face)}
    </div>
    <div class="message-main">
      <header class=${grouped ? 'visually-hidden' : 'message-header'} id=${nameId}>
        <span class="author" ?data-bot=${face.bot}>${face.name}</span> ${appBadge(face)}
        <time datetime=${message.timestamp} title=${formatTime(at, 'F')}>${formatMessageTime(at, chat.now())}</time>
      </header>
      <div class="message-body">${bodyOf(message, chat)}</div>
      ${failedPress(message, chat)}
      ${
        ephemeral
          ? html`<p class="ephemeral-note">
              ${eyeIcon} Only you can see this ·
              <button type="button" class="link" @click=${() => chat.act.dismiss(message.id)}>Dismiss message</button>
            </p>`
          : nothing
      }
    </div>
    <message-menu .message=${message} .chat=${chat}></message-menu>
  </article>`;
}

function bodyOf(message: APIMessage, chat: Chat): TemplateResult {
  if (has(message, MessageFlags.Loading)) {
    return html`<p class="thinking">
      <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
      ${faceOf(message.author, chat).name} is thinking…
    </p>`;
  }
  const { components = [], content, embeds, attachments } = message;
  const edited = message.edited_timestamp === null ? undefined : editedMark(message.edited_timestamp);
  const parts = components.map((component) => componentView(component, message, chat));
  // With components V2 nothing but the components is shown (Discord hides files that no component names).
  if (has(message, MessageFlags.IsComponentsV2)) return html`${parts} ${edited}`;
  return html`${content === '' ? edited : markdown(content, chat, edited)} ${attachmentsView(attachments)}
  ${embeds.map((embed) => embedView(embed, chat))} ${parts}`;
}

function editedMark(at: string): TemplateResult {
  return html`<span class="edited" title=${formatTime(Date.parse(at), 'F')}>(edited)</span>`;
}

/** The line above an answer: `ana used /character`, or the message that it replies to. */
function replyLine(message: APIMessage, chat: Chat): TemplateResult | typeof nothing {
  const { interaction_metadata: origin, referenced_message: referenced } = message;
  const command = commandName(message);
  if (origin !== undefined && command !== undefined) {
    const face = faceOf(origin.user, chat);
    return html`<p class="reply-line">
      ${avatar(face, 'small')} <span class="author">${face.name}</span> used
      <span class="command">${command}</span>
    </p>`;
  }
  if (referenced === undefined || referenced === null) return nothing;
  const face = faceOf(referenced.author, chat);
  return html`<p class="reply-line">
    ${avatar(face, 'small')} <span class="author">${face.name}</span>
    <a class="quoted" href="#message-${referenced.id}" @click=${jump}>${referenced.content || 'the message above'}</a>
  </p>`;
}

/** Goes to the message without touching the address bar, which keeps other things. */
function jump(event: Event): void {
  event.preventDefault();
  if (!(event.currentTarget instanceof HTMLAnchorElement)) return;
  const target = document.querySelector<HTMLElement>(`[id="${event.currentTarget.hash.slice(1)}"]`);
  target?.scrollIntoView({ block: 'center' });
}

function commandName(message: APIMessage): string | undefined {
  // Discord deprecates `interaction`, but it is the one place that names the command.
  // oxlint-disable-next-line typescript/no-deprecated
  const { interaction } = message;
  return interaction?.name === undefined ? undefined : `/${interaction.name}`;
}

function continues(message: APIMessage, previous: APIMessage): boolean {
  return (
    previous.author.id === message.author.id &&
    has(message, MessageFlags.Ephemeral) === has(previous, MessageFlags.Ephemeral) &&
    Date.parse(message.timestamp) - Date.parse(previous.timestamp) < groupMs
  );
}

function failedPress(message: APIMessage, { deeds }: Chat): TemplateResult | typeof nothing {
  const failed = deeds.some(
    ({ what, state }) => state === 'failed' && what.kind === 'component' && what.message === message.id,
  );
  return failed ? html`<p class="failure" role="alert">This interaction failed: the app did not respond.</p>` : nothing;
}
