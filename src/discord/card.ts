import {
  ButtonStyle,
  ComponentType,
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
} from 'discord-api-types/v10';
import type { Job } from '../job.ts';
import type { JobView } from '../queue.ts';
import { customId } from './custom-id.ts';
import type { OutgoingFile, OutgoingMessage } from './port.ts';
import { text } from './text.ts';

/**
 * What a job's message says, from the job as it is: the same job gives the same message, so that what has not changed
 * need not be sent.
 */

/** The strip beside the card, by what the job is at. */
const COLOURS = { underWay: 0x58_65_f2, done: 0x24_80_46, failed: 0xda_37_3c, quiet: 0x80_84_8e };

export interface CardFacts extends JobView {
  /** what people read as the backend's name */
  readonly backend: string;
}

/** The card of a job that is under way or ended without a result. */
export function card(facts: CardFacts): OutgoingMessage {
  const { job } = facts;
  const underWay = job.state === 'waiting' || job.state === 'running';
  return container(colourOf(job), [
    line(text.title(job.recipe.name), text.prompt(job), text.understood(job)),
    line(...situation(facts), ...job.warnings.map((warning) => text.warning(warning))),
    underWay && buttons({ style: ButtonStyle.Secondary, label: text.cancel, custom_id: customId('cancel', job.id) }),
  ]);
}

export interface ResultFacts {
  readonly job: Job;
  readonly backend: string;
  /** the result itself, ready to be sent in this message */
  readonly files: readonly OutgoingFile[];
  /** what was done to the files, or could not be: whole lines */
  readonly notes: readonly string[];
  /** how many other files there are behind the button */
  readonly extras: number;
  /** who is to be told, in a message that is not the reply itself */
  readonly mention?: string | undefined;
}

/** The card with the result. */
export function resultCard({ job, backend, files, notes, extras, mention }: ResultFacts): OutgoingMessage {
  const took = text.done(backend, (job.endedAt ?? 0) - (job.startedAt ?? 0));
  const message = container(COLOURS.done, [
    mention !== undefined && line(text.finished(mention)),
    line(text.title(job.recipe.name), text.prompt(job)),
    ...shownFiles(files),
    line(text.understood(job), `-# ${took}`, ...notes, ...job.warnings.map((warning) => text.warning(warning))),
    extras > 0 &&
      buttons({ style: ButtonStyle.Secondary, label: text.otherFiles(extras), custom_id: customId('files', job.id) }),
  ]);
  return { ...message, files, ...(mention !== undefined && { mention }) };
}

/** Files and notes about them, without a card around: what does not fit into the card, and the other files. */
export function filesMessage(files: readonly OutgoingFile[], notes: readonly string[]): OutgoingMessage {
  const components = [...shownFiles(files), notes.length > 0 && line(...notes)];
  return { components: components.filter((component) => component !== false), files };
}

/** A sentence and nothing else. */
export function notice(sentence: string): OutgoingMessage {
  return container(COLOURS.quiet, [line(sentence)]);
}

export function problemNotice(sentence: string): OutgoingMessage {
  return container(COLOURS.failed, [line(sentence)]);
}

function situation({ job, backend, ahead }: CardFacts): string[] {
  switch (job.state) {
    case 'waiting':
      return [`${text.waiting(ahead ?? 0)} · ${text.asked(job.acceptedAt)}`];
    case 'running': {
      const { steps, line: logLine, ahead: elsewhere } = job.progress;
      const stage = elsewhere ? text.runningElsewhere(backend, elsewhere) : text.running(backend);
      return [
        `${stage} · ${text.begun(job.startedAt ?? job.acceptedAt)}`,
        steps && steps.total > 0 ? text.steps(steps.done, steps.total) : '',
        logLine === undefined ? '' : text.logLine(logLine),
      ];
    }
    case 'delivering':
    case 'done':
      return [text.delivering];
    case 'cancelled':
      return [text.cancelled(job)];
    case 'failed':
      return [text.failed(job.failure, backend, job.recipe)];
    case 'interrupted':
      return [text.interrupted];
  }
}

function colourOf({ state }: Job): number {
  if (state === 'failed' || state === 'interrupted') return COLOURS.failed;
  return state === 'cancelled' ? COLOURS.quiet : COLOURS.underWay;
}

function container(colour: number, parts: readonly (APIComponentInContainer | false)[]): OutgoingMessage {
  const components = parts.filter((part) => part !== false);
  return { components: [{ type: ComponentType.Container, accent_color: colour, components }] };
}

/** Lines of text in one block; what is empty is left out. */
function line(...lines: readonly string[]): { type: ComponentType.TextDisplay; content: string } {
  return { type: ComponentType.TextDisplay, content: lines.filter((part) => part !== '').join('\n') };
}

interface ButtonFacts {
  readonly style: ButtonStyle.Secondary | ButtonStyle.Danger;
  readonly label: string;
  readonly custom_id: string;
}

function buttons(...facts: readonly ButtonFacts[]) {
  return {
    type: ComponentType.ActionRow as const,
    components: facts.map((button) => ({ type: ComponentType.Button as const, ...button })),
  };
}

/** What Discord can show goes into a gallery, everything else is a file to download. */
function shownFiles(files: readonly OutgoingFile[]) {
  const shown = files.filter(({ mediaType }) => /^(image|video)\//.test(mediaType));
  const others = files.filter((file) => !shown.includes(file));
  const items = shown.map(({ name, description }) => ({ media: { url: `attachment://${name}` }, description }));
  return [
    ...(items.length > 0 ? [{ type: ComponentType.MediaGallery as const, items }] : []),
    ...others.map(({ name }) => ({ type: ComponentType.File as const, file: { url: `attachment://${name}` } })),
  ] satisfies APIMessageTopLevelComponent[];
}
