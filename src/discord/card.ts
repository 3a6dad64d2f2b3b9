import { ButtonStyle, type APIComponentInContainer } from 'discord-api-types/v10';
import type { Job } from '../jobs/job.ts';
import type { JobView } from '../jobs/queue.ts';
import { button, buttons, container, line, shownFiles, type Button, type Part } from './components.ts';
import { canRunAgain } from './job-result.ts';
import { resultNoun } from './nouns.ts';
import type { Page } from './pages.ts';
import type { OutgoingFile, OutgoingMessage } from './port.ts';
import { text } from './text.ts';

/**
 * What a job's message says, from the job as it is: the same job gives the same message, so that what has not changed
 * need not be sent.
 */

/** All texts of a message together (components/reference.mdx). */
export const MOST_WORDS = 4000;

/** The strip beside the card, by what the job is at. */
const COLOURS = { underWay: 0x58_65_f2, done: 0x24_80_46, failed: 0xda_37_3c, quiet: 0x80_84_8e };

export interface CardFacts extends JobView {
  /** what people read as the backend's name */
  readonly backend: string;
  /** whether the token dies soon or is dead, and a press would bring a fresh one */
  readonly needsPress?: boolean;
  /** who is to be told, in a message that is not the reply itself */
  readonly mention?: string | undefined;
}

/** The card of a job that is under way or ended without a result. */
export function card(facts: CardFacts): OutgoingMessage {
  const { job, needsPress = false, mention } = facts;
  const { id, state } = job;
  const underWay = state === 'waiting' || state === 'running' || state === 'delivering';
  const previews = state === 'running' || state === 'delivering' ? previewOf(job) : [];
  const message = framed(colourOf(job), [
    mention !== undefined && line(text.ended(mention)),
    line(text.title(job.recipe.name), text.prompt(job), text.understood(job)),
    ...shownFiles(previews),
    line(...situation(facts), ...text.warnings(job.warnings), underWay && needsPress ? text.showResultWhy : ''),
    buttons([
      underWay && button(text.cancel, 'cancel', id),
      underWay && needsPress && button(text.showResult, 'show', id, { style: ButtonStyle.Primary }),
      canRunAgain(job) && job.again === undefined && button(text.runAgain, 'again', id),
    ]),
  ]);
  // Left out, the files of the edit before would stay.
  const files = job.progress.preview && { files: previews };
  return { ...message, ...files, ...(mention !== undefined && { mention }) };
}

/** What the picture looks like so far, where the backend shows it. */
function previewOf({ progress: { preview } }: Job): OutgoingFile[] {
  const extension = preview && PREVIEW_EXTENSIONS.get(preview.mediaType);
  if (!preview || extension === undefined) return [];
  const { count, mediaType, body } = preview;
  // A copy in memory of its own: what comes from a thread may be shared.
  const bytes = new Uint8Array(body);
  return [{ name: `preview-${count}.${extension}`, bytes, mediaType, description: text.preview }];
}

const PREVIEW_EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'jpg'],
  ['image/png', 'png'],
  ['image/webp', 'webp'],
]);

export interface ResultFacts {
  readonly job: Job;
  readonly backend: string;
  /** the result itself, ready to be sent in this message */
  readonly page: Page;
  /** what there is to press */
  readonly buttons: readonly (Button | false)[];
  readonly mention?: string | undefined;
}

/** The card with the result. */
export function resultCard({ job, backend, page, buttons: pressed, mention }: ResultFacts): OutgoingMessage {
  const { finished, heading, settings, took, warnings } = resultWords(job, backend);
  const message = framed(COLOURS.done, [
    mention !== undefined && line(finished),
    line(...heading),
    ...shownFiles(page.files, page.texts),
    line(settings, took, ...page.notes, ...warnings),
    buttons(pressed),
  ]);
  return { ...message, files: page.files, ...(mention !== undefined && { mention }) };
}

/** Characters that notes and texts may have in a card with the job's result, whether it names its owner or not. */
export function resultRoom(job: Job, backend: string): number {
  const words = Object.values(resultWords(job, backend)).flat();
  return MOST_WORDS - words.reduce((sum, { length }) => sum + length + 1, 0);
}

function resultWords(job: Job, backend: string) {
  const { cost } = job.recipe.estimate ?? {};
  return {
    finished: text.finished(job),
    heading: [text.title(job.recipe.name), text.prompt(job)],
    settings: text.understood(job),
    took: `-# ${text.done(job.backend ?? backend, (job.endedAt ?? 0) - (job.startedAt ?? 0), cost)}`,
    warnings: text.warnings(job.warnings),
  };
}

/** Files, texts and notes about them, without a card around: what does not fit into the card, and the other files. */
export function filesMessage(
  { files, texts, notes }: Pick<Page, 'files' | 'texts' | 'notes'>,
  pressed: readonly (Button | false)[] = [],
): OutgoingMessage {
  const parts = [...shownFiles(files, texts), notes.length > 0 && line(...notes), buttons(pressed)];
  return { components: parts.filter((part) => part !== false), files };
}

/** A sentence and nothing else. */
export function notice(sentence: string): OutgoingMessage {
  return framed(COLOURS.quiet, [line(sentence)]);
}

export function problemNotice(sentence: string): OutgoingMessage {
  return framed(COLOURS.failed, [line(sentence)]);
}

/** A person's jobs, and a select of those that can be shown. */
export function jobsCard(lines: readonly string[], select: APIComponentInContainer | false): OutgoingMessage {
  return framed(COLOURS.quiet, [...lines.map((content) => line(content)), select]);
}

function situation({ job, backend: standard, ahead, startsAt, endsAt, coldMs, usualMs }: CardFacts): string[] {
  const backend = job.backend ?? standard;
  const expectation = text.expectation(usualMs, job.recipe.estimate?.cost);
  switch (job.state) {
    case 'waiting':
      return [
        `${text.waiting(ahead ?? 0)} · ${text.asked(job.acceptedAt)}`,
        ahead === undefined ? '' : `-# ${text.startsAt(startsAt)}`,
        expectation,
      ];
    case 'running': {
      const { steps, line: logLine, ahead: elsewhere } = job.progress;
      const stage = elsewhere
        ? text.runningElsewhere(backend, elsewhere)
        : coldMs === undefined
          ? text.running(backend)
          : text.coldStart(coldMs);
      return [
        `${stage} · ${text.begun(job.startedAt ?? job.acceptedAt)}${endsAt === undefined ? '' : ` · ${text.endsAt(endsAt)}`}`,
        steps && steps.total > 0 ? text.steps(steps.done, steps.total) : '',
        logLine === undefined ? '' : text.logLine(logLine),
        expectation,
      ];
    }
    case 'delivering':
    case 'done':
      return [text.delivering(job)];
    case 'cancelled':
      return [text.cancelled(job)];
    case 'failed':
      return [text.failed(job.failure, backend, job.recipe, resultNoun(job))];
    case 'interrupted':
      return [text.interrupted(backend)];
  }
}

function colourOf({ state }: Job): number {
  if (state === 'failed' || state === 'interrupted') return COLOURS.failed;
  return state === 'cancelled' ? COLOURS.quiet : COLOURS.underWay;
}

function framed(colour: number, parts: readonly Part[]): OutgoingMessage {
  return { components: [container(colour, parts)] };
}
