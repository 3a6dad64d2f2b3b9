import { pathToFileURL } from 'node:url';
import type { BackendErrorType, BackendFault } from '../errors.ts';
import type { Failure, Job } from '../job.ts';
import type { JobView } from '../queue.ts';
import type { Option, Recipe } from '../recipe.ts';
import { code, moment, plain } from './markdown.ts';

/**
 * Every sentence that a person can read in Discord. What comes from outside is made harmless here and nowhere else.
 */

/** Characters of a prompt, a name, a log line that are shown; a card has 4000 in all (Discord's limit). */
const SHOWN_PROMPT = 280;
const SHOWN_VALUE = 80;
const SHOWN_LINE = 90;
const SHOWN_DETAIL = 300;

export const text = {
  cancel: 'Cancel',
  unknownCommand:
    'This command is not known any more. It goes away when the person who runs the bot registers the commands again.',
  unknownButton: 'This button belongs to something that is not kept any more.',
  notYours: 'Only the person whose job this is, or a moderator who may manage messages, can cancel it.',
  endedAlready: 'This job has ended already.',
  ourFault:
    'Something went wrong in the bot itself, not in what you did. Nothing is running for you; you can try again.',
  filesGone: 'The other files of this job are not kept any more.',

  closing: 'The bot is being restarted. Please try again in a minute.',
  noRoom:
    'The disk of the bot is full, so no new job is taken. Please tell the person who runs it, and try again later.',

  /** What a person is told at once when they may not have another job. */
  overLimit(jobs: readonly JobView[], checking: number): string {
    const lines = jobs.map(({ job, ahead }) => {
      const place =
        ahead === undefined ? `**Running** · begun ${moment(job.startedAt ?? job.acceptedAt)}` : waiting(ahead);
      return `- ${promptOf(job) || job.recipe.name}: ${place}`;
    });
    if (checking > 0) lines.push(`- ${checking === 1 ? '1 command is' : `${checking} commands are`} being checked`);
    return ['You have as many jobs as one person may have. Wait for one to end, or cancel one:', ...lines].join('\n');
  },

  /** Every problem of what a person gave, told together. */
  problems(problems: readonly string[]): string {
    if (problems.length === 1) return problems.join('');
    return ['Nothing was started. Please look at these:', ...problems.map((problem) => `- ${problem}`)].join('\n');
  },

  optionProblem: (option: string, problem: string) => `**${option}**: ${problem}`,
  pictureNotFetched: 'Discord did not hand this file over. Please send the command again.',
  pictureTooLarge: (size: string, most: string) =>
    `This file has ${size}; at most ${most} are taken. Please send a smaller picture.`,
  missing: 'This is needed.',
  pictureFromElsewhere: 'This file does not come from Discord. Please attach it to the command.',

  title: (recipe: string) => `### /${recipe}`,
  prompt(job: Job): string {
    const prompt = promptOf(job);
    return prompt ? `> ${prompt}` : '';
  },

  waiting,
  running: (backend: string) => `**Running** on ${backend}`,
  runningElsewhere: (backend: string, ahead: number) =>
    `**In line** at ${backend}, ${ahead === 1 ? '1 run' : `${ahead} runs`} before yours`,
  begun: (ms: number) => `begun ${moment(ms)}`,
  asked: (ms: number) => `asked ${moment(ms)}`,
  steps: (done: number, total: number) =>
    `\`${bar(done, total)}\` ${Math.floor((100 * done) / total)} % · step ${done} of ${total}`,
  logLine: (line: string) => {
    const shown = code(line, SHOWN_LINE);
    return shown && `-# ${shown}`;
  },
  delivering: '**Sending the pictures…**',
  warning: (warning: string) => `-# ⚠ ${plain(warning, SHOWN_DETAIL)}`,

  /** What was understood: every answer that is not the option's default, but the prompt, which is quoted above. */
  understood(job: Job): string {
    const parts = Object.entries(job.recipe.options).flatMap(([name, option]) => {
      const answer = job.answers[name];
      if (name === 'prompt' || answer === undefined || isDefault(option, answer)) return [];
      return [`${name} ${answerText(answer)}`];
    });
    return parts.length > 0 ? `-# ${parts.join(' · ')}` : '';
  },

  done: (backend: string, ms: number) => `${duration(ms)} on ${backend}`,
  otherFiles: (count: number) => (count === 1 ? '1 other file' : `${count} other files`),
  tooLarge: (name: string, size: string) =>
    `${plain(name, SHOWN_VALUE)} has ${size} and is too large for Discord here.`,
  note: (name: string, note: string) => `-# ${plain(name, SHOWN_VALUE)}: ${note}`,
  finished: (user: string) => `<@${user}>, your pictures are here.`,

  cancelled: (job: Job) =>
    job.startedAt === undefined
      ? 'Cancelled before its turn came.'
      : 'Cancelled while it ran. The part that ran may have been paid for.',
  interrupted:
    'The bot was stopped while this ran, so its pictures cannot be fetched any more. It is not run again by itself, because it may have been paid for.',

  failed(failure: Failure | undefined, backend: string, recipe?: Recipe): string {
    switch (failure?.by) {
      case 'backend':
        return backendFailure(failure.fault, backend, recipe);
      case 'delivery':
        return 'The pictures were made, but Discord did not take them.';
      case 'disk':
        return 'The pictures could not be kept, because the disk of the bot did not take them. Please tell the person who runs it.';
      default:
        return text.ourFault;
    }
  },
};

function waiting(ahead: number): string {
  if (ahead === 0) return '**Waiting** · you are next';
  return `**Waiting** · ${ahead === 1 ? '1 job has its turn' : `${ahead} jobs have their turn`} before yours`;
}

const BACKEND_SENTENCES: Readonly<Record<BackendErrorType, (backend: string) => string>> = {
  unreachable: (backend) => `${backend} cannot be reached. Nothing was run; please try again later.`,
  refused: (backend) =>
    `${backend} turned the bot away, so the person who runs the bot has to look at its settings or its account there.`,
  invalid: (backend) => `${backend} did not accept what was sent.`,
  failed: (backend) => `${backend} ran it, and the run failed.`,
  cut: (backend) => `The connection to ${backend} broke before the pictures had arrived.`,
  timeout: (backend) => `${backend} took too long, so the run was given up.`,
  'too-large': (backend) => `${backend} sent more than the bot takes.`,
  unintelligible: (backend) =>
    `What answered at the address of ${backend} does not speak its language. The person who runs the bot has to look at that address.`,
  unknown: (backend) => `${backend} does not know the run any more, so its pictures cannot be fetched.`,
  cancelled: () => 'Cancelled.',
};

function backendFailure({ type, detail, billed, parameters }: BackendFault, backend: string, recipe?: Recipe): string {
  const about = recipe ? optionsOf(recipe, parameters) : [];
  return [
    BACKEND_SENTENCES[type](backend),
    about.length > 0 && `It is about ${about.map((option) => `**${option}**`).join(', ')}.`,
    detail && `-# It said: ${plain(detail, SHOWN_DETAIL)}`,
    billed === 'no' ? '' : '-# The run may have been paid for, so it was not started again.',
  ]
    .filter(Boolean)
    .join('\n');
}

/** The names that people know parameters by. */
function optionsOf({ options }: Recipe, parameters: readonly string[]): string[] {
  const names = Object.keys(options);
  return names.filter((name) => options[name]?.parameters.some((key) => parameters.includes(key)));
}

function promptOf(job: Job): string {
  const { prompt } = job.answers;
  return typeof prompt === 'string' ? plain(prompt, SHOWN_PROMPT) : '';
}

type Answer = NonNullable<Job['answers'][string]>;

function isDefault(option: Option, answer: Answer): boolean {
  if (typeof answer === 'object') {
    return option.kind === 'picture' && option.default?.href === pathToFileURL(answer.path).href;
  }
  return option.kind !== 'seed' && option.kind !== 'picture' && option.default === answer;
}

function answerText(answer: Answer): string {
  if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
  return code(typeof answer === 'object' ? answer.name : String(answer), SHOWN_VALUE);
}

const BAR_LENGTH = 12;

function bar(done: number, total: number): string {
  const full = Math.round((BAR_LENGTH * Math.min(done, total)) / total);
  return '█'.repeat(full) + '░'.repeat(BAR_LENGTH - full);
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
