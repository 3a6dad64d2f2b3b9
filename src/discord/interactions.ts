import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ComponentType,
  InteractionType,
  type APIApplicationCommandAutocompleteInteraction,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
} from 'discord-api-types/v10';
import type { Clock } from '../clock.ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { JOBS_COMMAND, PRIVATE_OPTION } from '../recipes/commands.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import type { Accept } from './accept.ts';
import { barredFrom } from './bar.ts';
import type { Buttons } from './buttons.ts';
import { notice } from './card.ts';
import { parseCustomId, PICK_JOB } from './custom-id.ts';
import { DiscordError } from './discord-error.ts';
import { hasLongTexts, type Forms } from './forms.ts';
import type { GivenOptions, Inputs } from './inputs.ts';
import { callOf, typedIn } from './interaction.ts';
import type { Port } from './port.ts';
import { madeAt } from './snowflake.ts';
import { suggestionsFor } from './suggestions.ts';
import { text } from './text.ts';
import { giveBack } from './words-back.ts';

/** Answers what people do. */
export interface Interactions {
  /** One interaction as the gateway brought it; ends when it is answered, and never throws. */
  handle(interaction: APIInteraction): Promise<void>;
  /** Takes no more; ends when nothing is being handled any more. */
  stop(): Promise<void>;
}

/** A gateway that resumes brings again what it has brought already. */
const REMEMBERED = 1000;

interface InteractionsDependencies {
  recipes: ReadonlyMap<string, Recipe>;
  inputs: Inputs;
  accept: Accept;
  buttons: Buttons;
  forms: Forms;
  listJobs: (interaction: APIChatInputApplicationCommandInteraction) => Promise<void>;
  port: Port;
  clock: Clock;
  log: Logger;
}

export function createInteractions(dependencies: InteractionsDependencies): Interactions {
  const { recipes, inputs, accept, buttons, forms, listJobs, port, clock, log } = dependencies;
  const seen = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let isStopped = false;

  async function route(interaction: APIInteraction): Promise<void> {
    switch (interaction.type) {
      case InteractionType.ApplicationCommand:
        if (interaction.data.type === ApplicationCommandType.ChatInput) {
          return await onCommand({ ...interaction, data: interaction.data });
        }
        return await port.answer(callOf(interaction), notice(text.unknownCommand), 'private');
      case InteractionType.MessageComponent:
        return await onComponent(interaction);
      case InteractionType.ModalSubmit:
        return await forms.submit(interaction);
      case InteractionType.ApplicationCommandAutocomplete:
        return await suggest(interaction);
      case InteractionType.Ping:
        // They come over HTTP only.
        return undefined;
    }
  }

  async function onCommand(interaction: APIChatInputApplicationCommandInteraction): Promise<void> {
    if (interaction.data.name === JOBS_COMMAND) return await listJobs(interaction);
    const recipe = recipes.get(interaction.data.name);
    if (!recipe) return await port.answer(callOf(interaction), notice(text.unknownCommand), 'private');
    const barred = barredFrom(recipe, interaction);
    if (barred !== undefined) return await port.answer(callOf(interaction), notice(barred), 'private');
    const given = givenOptions(interaction);
    const visibility = given.values.get(PRIVATE_OPTION) === true ? 'private' : 'public';
    if (hasLongTexts(recipe)) return await forms.show(interaction, recipe, given, visibility);
    await accept(interaction, { recipe, visibility, answersFor: (job) => inputs.read(job, recipe, given) });
  }

  /** What is typed is asked about with every few letters: an answer that comes too late is followed by another one. */
  async function suggest(interaction: APIApplicationCommandAutocompleteInteraction): Promise<void> {
    const { name, options } = interaction.data;
    const recipe = recipes.get(name);
    const typed = options.find((option) => 'focused' in option && option.focused);
    const option = recipe && typed && Object.hasOwn(recipe.options, typed.name) && recipe.options[typed.name];
    const isOpen =
      recipe &&
      option &&
      option.kind === 'choice' &&
      typed &&
      'value' in typed &&
      barredFrom(recipe, interaction) === undefined;
    const choices = isOpen ? suggestionsFor(option, String(typed.value)) : [];
    await port
      .suggest(callOf(interaction), choices)
      .catch((error: unknown) => log.debug({ interaction: interaction.id, error }, 'Choices not told'));
  }

  async function onComponent(interaction: APIMessageComponentInteraction): Promise<void> {
    const { data } = interaction;
    if (data.component_type === ComponentType.StringSelect && data.custom_id === PICK_JOB) {
      return await buttons.show(interaction, data.values[0] ?? '');
    }
    const pressed = data.component_type === ComponentType.Button ? parseCustomId(data.custom_id) : undefined;
    if (!pressed) return await port.answer(callOf(interaction), notice(text.unknownButton), 'private');
    return await buttons.press(interaction, pressed);
  }

  async function answer(interaction: APIInteraction): Promise<void> {
    try {
      await route(interaction);
    } catch (error) {
      log.error({ interaction: interaction.id, error }, 'Interaction failed');
      const isForm = interaction.type === InteractionType.ModalSubmit;
      // Trouble with the disk, before anything was answered; of a form also our own fault, so that nobody types it again.
      if (!(error instanceof UserError) && (!isForm || error instanceof DiscordError)) return;
      const sentence = error instanceof UserError ? error.message : text.ourFault;
      await giveBack(port, {
        call: callOf(interaction),
        sentence,
        typed: isForm ? typedIn(interaction.data) : undefined,
        visibility: 'private',
      }).catch((cause: unknown) => log.warn({ interaction: interaction.id, error: cause }, 'Trouble not told'));
    }
  }

  return {
    async handle(interaction) {
      if (isStopped || seen.has(interaction.id)) return;
      // What is typed comes by the dozen, and may be answered twice.
      if (interaction.type !== InteractionType.ApplicationCommandAutocomplete) seen.add(interaction.id);
      const [oldest] = seen;
      if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
      log.debug({ interaction: interaction.id, ageMs: clock.now() - madeAt(interaction.id) }, 'Interaction');
      const handled = answer(interaction);
      underWay.add(handled);
      await handled;
      underWay.delete(handled);
    },
    async stop() {
      isStopped = true;
      await Promise.all(underWay);
    },
  };
}

function givenOptions({ data }: APIChatInputApplicationCommandInteraction): GivenOptions {
  const values = new Map<string, ParameterValue>();
  for (const option of data.options ?? []) {
    if (
      option.type !== ApplicationCommandOptionType.Subcommand &&
      option.type !== ApplicationCommandOptionType.SubcommandGroup
    ) {
      values.set(option.name, option.value);
    }
  }
  return { values, resolved: data.resolved };
}
