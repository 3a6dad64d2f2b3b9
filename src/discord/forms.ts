import {
  ComponentType,
  TextInputStyle,
  type APIChatInputApplicationCommandInteraction,
  type APIModalInteractionResponseCallbackData,
  type APIModalSubmitInteraction,
} from 'discord-api-types/v10';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { UserError } from '../errors.ts';
import type { Queue } from '../jobs/queue.ts';
import type { Logger } from '../log.ts';
import { checkValue, type DefaultFiles } from '../recipes/answers.ts';
import { missing } from '../recipes/intake.ts';
import { MOST_IN_LONG_TEXT } from '../recipes/limits.ts';
import { isFileOption, type LongTextOption, type Recipe } from '../recipes/recipe.ts';
import { diskFailure } from '../storage/disk.ts';
import type { Spool } from '../storage/spool.ts';
import type { Form, Store } from '../storage/store.ts';
import { refusalOf, type Accept } from './accept.ts';
import { barredFrom } from './bar.ts';
import { problemNotice } from './card.ts';
import { formId, parseFormId } from './custom-id.ts';
import type { GivenOptions, Inputs } from './inputs.ts';
import { callOf, typedIn, userOf } from './interaction.ts';
import type { Port, Visibility } from './port.ts';
import type { Typed } from './reply-note.ts';
import { text } from './text.ts';
import { giveBack } from './words-back.ts';

/**
 * Commands with long texts: a modal asks for them, and its submit is an interaction of its own. What the command gave is
 * on the disk before the modal is shown, with the recipe as it was, so that neither a restart nor another recipe in its
 * place makes a difference to somebody who types. A form has the id of the job that it becomes: that it was sent is known
 * by the job.
 */
export interface Forms {
  /** Answers a command with a modal, or says what can be said at once. */
  show(
    interaction: APIChatInputApplicationCommandInteraction,
    recipe: Recipe,
    given: GivenOptions,
    visibility: Visibility,
  ): Promise<void>;
  /** Makes a job of the command and what was typed, or says why not and gives the words back. */
  submit(interaction: APIModalSubmitInteraction): Promise<void>;
}

/** Modals that were closed leave forms, and nobody types in more than a few at once. */
const MOST_OF_ONE_USER = 10;

interface FormsDependencies {
  recipes: ReadonlyMap<string, Recipe>;
  store: Pick<Store, 'saveForm' | 'form' | 'removeForm'>;
  queue: Pick<Queue, 'admit' | 'get' | 'unfinishedOf'>;
  inputs: Inputs;
  defaults: DefaultFiles;
  accept: Accept;
  port: Pick<Port, 'answer' | 'showModal' | 'followUp'>;
  spool: Pick<Spool, 'newJobId'>;
  clock: Clock;
  log: Logger;
}

export function createForms(dependencies: FormsDependencies): Forms {
  const { recipes, store, queue, inputs, defaults, accept, port, spool, clock, log } = dependencies;
  /** those whose submit is being read this moment */
  const reading = new Set<string>();

  function problemsOfOption({ options }: Recipe, name: string, { values, resolved }: GivenOptions): string[] {
    const option = options[name];
    if (!option || option.kind === 'long-text') return [];
    const value = values.get(name);
    try {
      if (value === undefined) missing(option);
      else if (isFileOption(option)) inputs.checkAttached(option, resolved?.attachments?.[String(value)]);
      else checkValue(option, value);
      return [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return error.problems.map((problem) => text.optionProblem(name, problem));
    }
  }

  /** What hinders a job already now, before somebody types for minutes. */
  async function hindranceOf(user: string, recipe: Recipe, given: GivenOptions): Promise<string | undefined> {
    const admission = await queue.admit(user);
    if ('refused' in admission) return await refusalOf(queue, user, admission);
    // Held again when the form is sent: nobody else waits while this one is typed.
    admission.leave();
    const problems = Object.keys(recipe.options).flatMap((name) => problemsOfOption(recipe, name, given));
    return problems.length > 0 ? text.problems(problems) : undefined;
  }

  async function begin(interaction: APIModalSubmitInteraction, id: string, typed: Typed): Promise<string | undefined> {
    const user = userOf(interaction);
    const job = await queue.get(id);
    if (job) return job.user === user ? text.formSentAlready : text.formNotYours;
    const form = readForm(id);
    if (!form) return text.unknownForm;
    if (form.user !== user) return text.formNotYours;
    const { recipe } = form;
    // Who may use it can have been decided anew since then.
    const barred = barredFrom(recipes.get(recipe.name) ?? recipe, interaction);
    if (barred !== undefined) return barred;
    const { visibility, ...given } = Given.parse(JSON.parse(form.given));
    const values = new Map([...given.values, ...answersIn(recipe, typed)]);
    const resolved = { attachments: Object.fromEntries(given.attachments) };
    const isJob = await accept(interaction, {
      id,
      recipe,
      visibility,
      typed: ownWords(recipe, typed),
      answersFor: (job) => inputs.read(job, recipe, { values, resolved, defaults: form.defaults }),
    });
    if (isJob) forget(id);
    return undefined;
  }

  function readForm(id: string): Form | undefined {
    try {
      return store.form(id);
    } catch (error) {
      throw diskFailure(error);
    }
  }

  function forget(id: string): void {
    try {
      store.removeForm(id);
    } catch (error) {
      // Its job is there, and tells that it was sent.
      log.warn({ job: id, error }, 'A form was not removed');
    }
  }

  return {
    async show(interaction, recipe, given, visibility) {
      const call = callOf(interaction);
      const user = userOf(interaction);
      const problem = await hindranceOf(user, recipe, given);
      if (problem !== undefined) return await port.answer(call, problemNotice(problem), 'private');
      const id = spool.newJobId();
      const form = {
        id,
        user,
        recipe,
        shownAt: clock.now(),
        given: JSON.stringify(kept(recipe, given, visibility)),
        defaults: defaultsOf(recipe, defaults),
      };
      try {
        store.saveForm(form, MOST_OF_ONE_USER);
      } catch (error) {
        throw diskFailure(error);
      }
      await port.showModal(call, modalOf(recipe, id));
    },
    async submit(interaction) {
      const { data } = interaction;
      const typed = typedIn(data);
      const id = parseFormId(data.custom_id);
      let problem: string | undefined = text.unknownForm;
      if (id !== undefined && reading.has(id)) problem = text.formBeingRead;
      else if (id !== undefined) {
        reading.add(id);
        try {
          problem = await begin(interaction, id, typed);
        } finally {
          reading.delete(id);
        }
      }
      if (problem === undefined) return;
      await giveBack(port, {
        call: callOf(interaction),
        sentence: problem,
        typed,
        visibility: 'private',
      });
    },
  };
}

export function hasLongTexts({ options }: Recipe): boolean {
  return Object.values(options).some(({ kind }) => kind === 'long-text');
}

function longTexts({ options }: Recipe): [string, LongTextOption][] {
  return Object.entries(options).flatMap(([name, option]): [string, LongTextOption][] =>
    option.kind === 'long-text' ? [[name, option]] : [],
  );
}

/** What was typed, as answers: an empty text is one only where a default stood in its place. */
function answersIn(recipe: Recipe, typed: Typed): [string, string][] {
  return longTexts(recipe).flatMap(([name, option]): [string, string][] => {
    const words = typed.find(([typedName]) => typedName === name)?.[1];
    if (words === undefined || (words.trim() === '' && option.default === undefined)) return [];
    return [[name, words]];
  });
}

/** Without what stood there already. */
function ownWords({ options }: Recipe, typed: Typed): Typed {
  return typed.filter(([name, words]) => {
    const option = options[name];
    return option?.kind !== 'long-text' || words !== option.default;
  });
}

function modalOf(recipe: Recipe, form: string): APIModalInteractionResponseCallbackData {
  return {
    custom_id: formId(form),
    title: `/${recipe.name}`,
    components: longTexts(recipe).map(([name, { description, required = false, default: standing, maxLength }]) => ({
      type: ComponentType.Label,
      label: name,
      description,
      component: {
        type: ComponentType.TextInput,
        custom_id: name,
        style: TextInputStyle.Paragraph,
        required,
        max_length: maxLength ?? MOST_IN_LONG_TEXT,
        ...(standing !== undefined && standing !== '' && { value: standing }),
      },
    })),
  };
}

/** What a command can say of the recipe's options: nothing else is kept. */
function kept({ options }: Recipe, { values, resolved }: GivenOptions, visibility: Visibility) {
  const given = [...values].filter(([name]) => Object.hasOwn(options, name) && options[name]?.kind !== 'long-text');
  const attachments = Object.entries(resolved?.attachments ?? {}).filter(([id]) =>
    given.some(([name, value]) => value === id && options[name] && isFileOption(options[name])),
  );
  return { visibility, values: given, attachments };
}

function defaultsOf({ options }: Recipe, defaults: DefaultFiles): DefaultFiles {
  const named = new Set(Object.values(options).map((option) => 'default' in option && String(option.default)));
  return new Map([...defaults].filter(([href]) => named.has(href)));
}

/** Beside the fields that Discord always gives there are some of certain kinds of files. */
const Attachment = z.looseObject({
  id: z.string(),
  filename: z.string(),
  size: z.number(),
  url: z.string(),
  proxy_url: z.string(),
});
const Given = z.object({
  visibility: z.enum(['public', 'private']),
  values: z.array(z.tuple([z.string(), z.union([z.string(), z.number(), z.boolean()])])),
  attachments: z.array(z.tuple([z.string(), Attachment])),
});
