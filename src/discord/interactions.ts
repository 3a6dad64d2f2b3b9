import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ComponentType,
  InteractionType,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
} from 'discord-api-types/v10';
import type { Clock } from '../clock.ts';
import { JOBS_COMMAND, PRIVATE_OPTION } from '../commands.ts';
import { UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ParameterValue, Recipe } from '../recipe.ts';
import type { Accept } from './accept.ts';
import type { Buttons } from './buttons.ts';
import { notice, problemNotice } from './card.ts';
import { parseCustomId, PICK_JOB } from './custom-id.ts';
import type { GivenOptions, Inputs } from './inputs.ts';
import { callOf } from './interaction.ts';
import type { Port } from './port.ts';
import { madeAt } from './snowflake.ts';
import { text } from './text.ts';

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
  listJobs: (interaction: APIChatInputApplicationCommandInteraction) => Promise<void>;
  port: Port;
  clock: Clock;
  log: Logger;
}

export function createInteractions(dependencies: InteractionsDependencies): Interactions {
  const { recipes, inputs, accept, buttons, listJobs, port, clock, log } = dependencies;
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
      case InteractionType.ApplicationCommandAutocomplete:
      case InteractionType.Ping:
        // The bot shows no modals, completes nothing, and pings come over HTTP only.
        return undefined;
    }
  }

  async function onCommand(interaction: APIChatInputApplicationCommandInteraction): Promise<void> {
    if (interaction.data.name === JOBS_COMMAND) return await listJobs(interaction);
    const recipe = recipes.get(interaction.data.name);
    if (!recipe) return await port.answer(callOf(interaction), notice(text.unknownCommand), 'private');
    const given = givenOptions(interaction);
    return await accept(interaction, {
      recipe,
      visibility: given.values.get(PRIVATE_OPTION) === true ? 'private' : 'public',
      answersFor: (job) => inputs.read(job, recipe, given),
    });
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
      // Trouble with the disk, before anything was answered.
      if (!(error instanceof UserError)) return;
      await port
        .answer(callOf(interaction), problemNotice(error.message), 'private')
        .catch((cause: unknown) => log.warn({ interaction: interaction.id, error: cause }, 'Trouble not told'));
    }
  }

  return {
    async handle(interaction) {
      if (isStopped || seen.has(interaction.id)) return;
      seen.add(interaction.id);
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
