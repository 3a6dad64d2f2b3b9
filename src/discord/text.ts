import { basename, dirname } from 'node:path';
import type { BackendErrorType, BackendFault } from '../errors.ts';
import type { Failure, Job, JobState } from '../jobs/job.ts';
import type { JobView } from '../jobs/queue.ts';
import type { Bar } from '../recipes/access.ts';
import { labelsOf, type Option, type Recipe, type StoredFile } from '../recipes/recipe.ts';
import { aboutDuration, coarseDuration, duration, rounded } from './durations.ts';
import { hasResult } from './job-result.ts';
import { code, moment, plain, shortened } from './markdown.ts';
import { nounOf, resultNoun, type Noun } from './nouns.ts';

/**
 * Every sentence that a person can read in Discord. What comes from outside is made harmless here and nowhere else.
 */

/** Characters of a prompt, a name, a log line that are shown; a card has 4000 in all (Discord's limit). */
const SHOWN_PROMPT = 280;
const SHOWN_VALUE = 80;
const SHOWN_LINE = 90;
const SHOWN_DETAIL = 300;
/** Of all answers, and of all warnings, in a card: so there is room for 1000 characters of notes and texts. */
const SHOWN_ANSWERS = 1000;
const SHOWN_WARNINGS = 1000;
/** Of all links in a message (4000 characters in all, Discord's limit). */
const SHOWN_LINKS = 3500;
/** An option's name (Discord's limit). */
const SHOWN_OPTION = 32;
/** Beside others in a list. */
const SHOWN_IN_LIST = 80;
/** Of an option in a select (components/reference.mdx). */
const MOST_IN_OPTION = 100;

export const text = {
  cancel: 'Cancel',
  showResult: 'Show result',
  runAgain: 'Run again',
  nextOfResult(files: readonly Pick<StoredFile, 'mediaType'>[]): string {
    const { noun, isOne } = nounOf(files);
    return isOne ? `Next ${noun}` : `Next ${files.length} ${noun}`;
  },
  nextFiles: (count: number) => (count === 1 ? 'Next file' : `Next ${count} files`),
  originals: 'Originals',
  pickJob: 'Show…',

  unknownCommand:
    'This command is not known any more. It goes away when the person who runs the bot registers the commands again.',
  unknownButton: 'This button belongs to something that is not kept any more.',
  notYours: 'Only the person whose job this is, or a moderator who may manage messages, can cancel it.',
  notYoursAgain: 'Only the person whose job this is can run it again. You can send the command yourself.',
  againAlready: 'This job is run again already: the newer one has a message of its own, and `/jobs` shows it.',
  notAgain: 'This job cannot be run again. Please send the command anew.',
  endedAlready: 'This job has ended already.',
  barred,
  onlyAgeRestricted: 'This command may be used in age-restricted channels only, and this one is for everybody.',
  unknownForm: 'This form is not kept any more, so nothing was started. Please send the command again.',
  formNotYours: 'Only the person who sent the command can fill in its form. You can send the command yourself.',
  formSentAlready: 'This form was sent already: its job has a message of its own, and `/jobs` shows it.',
  formBeingRead: 'This form was sent already, and is being read.',
  typedBack: 'Nobody else sees this.',
  typedFile: 'All that you typed',
  typed: 'This is what you typed:',
  typedIn: (option: string) => `**${plain(option, SHOWN_OPTION)}**`,
  ourFault:
    'Something went wrong in the bot itself, not in what you did. Nothing is running for you; you can try again.',
  filesGone: 'The files of this job are not kept any more.',
  noOriginals: 'All files of this job were shown as they are.',
  jobGone: 'This job is not kept any more.',

  closing: 'The bot is being restarted. Please try again in a minute.',
  arrivedTooSoon: 'The bot was restarted while it read this. Nothing was started; please try it again.',

  notAnswered: 'Discord could not be reached in time, so nothing was started. Please try again.',

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
  fileNotFetched: 'Discord did not hand this file over. Please send the command again.',
  fileFromElsewhere: 'This file does not come from Discord. Please attach it to the command.',

  title: (recipe: string) => `### /${recipe}`,
  prompt(job: Job): string {
    const prompt = promptOf(job);
    return prompt ? `> ${prompt}` : '';
  },

  waiting,
  startsAt: (ms: number | undefined) =>
    ms === undefined
      ? 'when its turn comes is known after the first few runs'
      : `its turn comes about ${moment(rounded(ms))}`,
  endsAt: (ms: number) => `done about ${moment(rounded(ms))}`,
  /** What one may want to know before it is cancelled: in the same words as long as it waits and runs. */
  expectation(usualMs: number | undefined, cost: string | undefined): string {
    const parts = [
      usualMs !== undefined && `usually about ${coarseDuration(usualMs)}`,
      cost !== undefined && plain(cost, SHOWN_VALUE),
    ].filter(Boolean);
    return parts.length > 0 ? `-# A run: ${parts.join(' · ')}` : '';
  },
  coldStart: (ms: number) => `**Starting up**: a cold start usually takes about ${aboutDuration(ms)}`,
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
  preview: 'What it looks like so far',
  delivering: (job: Job) => `**Sending the ${resultNoun(job).noun}…**`,
  showResultWhy:
    '-# Discord lets the bot change this message for 15 minutes after the command. Press **Show result** now and then, and the result comes here; without it, it comes another way, or with `/jobs`.',
  warning: (warning: string) => `-# ⚠ ${plain(warning, SHOWN_DETAIL)}`,

  /** The first of them: each may be long, and a card has words of its own. */
  warnings: (warnings: readonly string[]) =>
    firstOf(
      warnings.map((warning) => text.warning(warning)),
      SHOWN_WARNINGS,
    ),

  /** What was understood: every answer that is not the option's default, but the prompt, which is quoted above. */
  understood(job: Job): string {
    const parts = Object.entries(job.recipe.options).flatMap(([name, option]) => {
      const answer = job.answers[name];
      if (name === 'prompt' || answer === undefined || isDefault(job, option, answer)) return [];
      return [`${name} ${answerText(answer)}`];
    });
    const shown = firstOf(parts, SHOWN_ANSWERS);
    const more = parts.length - shown.length;
    return parts.length > 0 ? `-# ${[...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(' · ')}` : '';
  },

  done: (backend: string, ms: number, cost?: string) =>
    `${duration(ms)} on ${backend}${cost === undefined ? '' : ` · ${plain(cost, SHOWN_VALUE)}`}`,
  otherFiles: (count: number) => (count === 1 ? '1 other file' : `${count} other files`),
  /** above a text that is shown in the message itself */
  label: (name: string) => `-# ${plain(name, SHOWN_VALUE)}`,
  tooLarge: (name: string, size: string) =>
    `${plain(name, SHOWN_VALUE)} has ${size} and is too large for Discord here. It is kept: press **Originals**, or see \`/jobs\`.`,
  link: (name: string, url: string) => `- [${plain(name, SHOWN_VALUE)}](${url})`,
  originalLinks(links: readonly string[]): string {
    const shown = firstOf(links, SHOWN_LINKS);
    const more = links.length - shown.length;
    return ['The files as they are, untouched:', ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
  },
  originalFiles(files: number, pieces: number, size: string): string {
    const inPieces = pieces > files ? ` in ${pieces} pieces` : '';
    return files === 1
      ? `As it is, untouched: 1 file${inPieces}, ${size}.`
      : `As they are, untouched: ${files} files${inPieces}, ${size} in all.`;
  },
  note: (name: string, note: string) => `-# ${plain(name, SHOWN_VALUE)}: ${note}`,
  finished(job: Job): string {
    const { noun, isOne } = resultNoun(job);
    return `<@${job.user}>, your ${noun} ${isOne ? 'is' : 'are'} here.`;
  },
  ended: (user: string) => `<@${user}>, this is how your job ended.`,

  cancelled(job: Job): string {
    if (job.startedAt === undefined) return 'Cancelled before its turn came.';
    if (hasResult(job)) {
      const { noun, isOne } = resultNoun(job);
      return `Cancelled while the ${noun} ${isOne ? 'was' : 'were'} sent. What was made can still be seen with \`/jobs\`.`;
    }
    return job.canStop === false
      ? `Cancelled here. ${job.backend} cannot stop a run that it has begun, so it goes on there, and may have been paid for.`
      : 'Cancelled while it ran. The part that ran may have been paid for.';
  },
  interrupted: (backend: string) =>
    `This run cannot be followed to its end: either the bot was stopped while it ran, or ${backend} does not know it any more. It may have been paid for, so it is not run again by itself.`,

  noJobs: 'You have no jobs yet, or none that are kept.',
  jobs: '### Your jobs',
  jobsKept: (ms: number) =>
    `-# Results are kept for ${ms < 2 * DAY_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.round(ms / DAY_MS)} days`} after they were sent, or less where the disk is full.`,
  /** A job in one or two lines, among others. */
  jobLine(view: JobView, keepMs: number): string {
    const { job } = view;
    const prompt = promptOf(job, SHOWN_IN_LIST);
    return `**/${job.recipe.name}**${prompt && ` ${prompt}`}\n-# ${stateLine(view, keepMs)}`;
  },
  /** A job in the select of a person's jobs: no markdown is shown there. */
  jobOption({ recipe, answers, state }: Job): { label: string; description: string } {
    const prompt = typeof answers['prompt'] === 'string' ? answers['prompt'] : '';
    return { label: shortened(`/${recipe.name} ${prompt}`, MOST_IN_OPTION), description: STATES[state] };
  },

  failed(failure: Failure | undefined, backend: string, recipe?: Recipe, noun: Noun = nounOf([])): string {
    switch (failure?.by) {
      case 'backend':
        return backendFailure(failure.fault, backend, recipe);
      case 'delivery':
        return undelivered(noun);
      case 'disk':
        return 'The result could not be kept, because the disk of the bot did not take it. Please tell the person who runs it.';
      default:
        return text.ourFault;
    }
  },
};

/** Discord's word for a server is another one in the names of its permissions. */
function permissionName(permission: string): string {
  return permission.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').replaceAll('Guild', 'Server');
}

function barred(bar: Bar): string {
  if (bar.by === 'server') return 'This command may be used in certain servers only, and this is none of them.';
  const roles = bar.roles.slice(0, MOST_ROLES).map((role) => `<@&${role}>`);
  const whom = [
    ...(roles.length > 0
      ? [`members with ${bar.roles.length > 1 ? 'one of the roles' : 'the role'} ${roles.join(', ')}`]
      : []),
    ...(bar.permission === undefined ? [] : [`members with the permission **${permissionName(bar.permission)}**`]),
    ...(bar.users.length > 0 ? ['certain people by name'] : []),
  ];
  return `This command is only for ${whom.join(', and for ')}.`;
}

/** Named in a sentence. */
const MOST_ROLES = 10;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
function undelivered({ noun, isOne }: Noun): string {
  const [was, it, keptIt] = isOne ? ['was', 'it', 'It is'] : ['were', 'them', 'They are'];
  return `The ${noun} ${was} made, but Discord did not take ${it} for a day. ${keptIt} kept: \`/jobs\` shows ${it}.`;
}

/** As many as have so many characters in all. */
function firstOf(parts: readonly string[], length: number): string[] {
  let left = length;
  return parts.filter((part) => (left -= part.length) >= 0);
}

const STATES: Readonly<Record<JobState, string>> = {
  waiting: 'Waiting',
  running: 'Running',
  delivering: 'Being sent',
  done: 'Done',
  cancelled: 'Cancelled',
  failed: 'Failed',
  interrupted: 'Interrupted',
};

function stateLine({ job, ahead, startsAt, endsAt }: JobView, keepMs: number): string {
  const { state, closedAt = 0 } = job;
  const turn = startsAt === undefined ? '' : ` · ${text.startsAt(startsAt)}`;
  if (state === 'waiting') return `${waiting(ahead ?? 0)}${turn}`;
  if (state === 'running') return `**Running**${endsAt === undefined ? '' : ` · ${text.endsAt(endsAt)}`}`;
  const said = `**${STATES[state]}**`;
  if (state === 'delivering') return said;
  const kept = hasResult(job) ? ` · goes away ${moment(closedAt + keepMs)}` : '';
  return `${said} ${moment(closedAt)}${kept}${job.again === undefined ? '' : ' · run again'}`;
}

function waiting(ahead: number): string {
  if (ahead === 0) return '**Waiting** · you are next';
  return `**Waiting** · ${ahead === 1 ? '1 job has its turn' : `${ahead} jobs have their turn`} before yours`;
}

const BACKEND_SENTENCES: Readonly<Record<BackendErrorType, (backend: string) => string>> = {
  unreachable: (backend) => `${backend} cannot be reached. Nothing was run; please try again later.`,
  refused: (backend) =>
    `${backend} turned the bot away, so the person who runs the bot has to look at its settings or its account there.`,
  unsuited: () =>
    'The bot has nothing now that can run this command, so nothing was run. Please tell the person who runs the bot.',
  invalid: (backend) => `${backend} did not accept what was sent.`,
  failed: (backend) => `${backend} ran it, and the run failed.`,
  cut: (backend) => `The connection to ${backend} broke before the result had arrived.`,
  timeout: (backend) => `${backend} took too long, so the run was given up.`,
  'too-large': (backend) => `${backend} sent more than the bot takes.`,
  unintelligible: (backend) =>
    `What answered at the address of ${backend} does not speak its language. The person who runs the bot has to look at that address.`,
  unknown: (backend) => `${backend} does not know the run any more, so its result cannot be fetched.`,
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
function optionsOf(recipe: Recipe, parameters: readonly string[]): string[] {
  const about = Object.entries(labelsOf(recipe)).filter(([key]) => parameters.includes(key));
  return [...new Set(about.map(([, name]) => name))];
}

function promptOf(job: Job, length = SHOWN_PROMPT): string {
  const { prompt } = job.answers;
  return typeof prompt === 'string' ? plain(prompt, length) : '';
}

type Answer = NonNullable<Job['answers'][string]>;

function isDefault({ id }: Job, option: Option, answer: Answer): boolean {
  if (!('default' in option)) return false;
  // What a person sent lies in a folder of the job's own; what lies elsewhere is the recipe's.
  return typeof answer === 'object' ? basename(dirname(answer.path)) !== id : option.default === answer;
}

function answerText(answer: Answer): string {
  if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
  if (answer === '') return 'left empty';
  return code(typeof answer === 'object' ? answer.name : String(answer), SHOWN_VALUE);
}

const BAR_LENGTH = 12;

function bar(done: number, total: number): string {
  const full = Math.round((BAR_LENGTH * Math.min(done, total)) / total);
  return '█'.repeat(full) + '░'.repeat(BAR_LENGTH - full);
}
