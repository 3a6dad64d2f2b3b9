import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ComponentType,
  InteractionType,
  PermissionFlagsBits,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
} from 'discord-api-types/v10';
import type { Clock } from '../clock.ts';
import { PRIVATE_OPTION } from '../commands.ts';
import { UserError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { Admission, Queue, Refusal } from '../queue.ts';
import type { ParameterValue, Recipe } from '../recipe.ts';
import type { Spool } from '../spool.ts';
import { notice, problemNotice } from './card.ts';
import { parseCustomId } from './custom-id.ts';
import type { Delivery } from './delivery.ts';
import type { GivenOptions, Inputs } from './inputs.ts';
import type { Call, Port, Visibility } from './port.ts';
import { createReply, type Reply } from './reply.ts';
import { text } from './text.ts';

/** Answers what people do. */
export interface Interactions {
  /** One interaction as the gateway brought it; ends when everything about it is done, and never throws. */
  handle(interaction: APIInteraction): Promise<void>;
  /** Ends when nothing is being handled any more. */
  idle(): Promise<void>;
}

/** An interaction's id says when it was made; after 3 s nobody can answer it (receiving-and-responding.mdx). */
const DISCORD_EPOCH = 1_420_070_400_000n;
/** A gateway that resumes brings again what it has brought already. */
const REMEMBERED = 1000;

interface InteractionsDependencies {
  recipes: ReadonlyMap<string, Recipe>;
  queue: Queue;
  inputs: Inputs;
  delivery: Delivery;
  follow: (job: Job, reply: Reply) => Promise<void>;
  port: Port;
  spool: Spool;
  clock: Clock;
  log: Logger;
}

export function createInteractions(dependencies: InteractionsDependencies): Interactions {
  const { recipes, queue, inputs, delivery, follow, port, spool, clock, log } = dependencies;
  const seen = new Set<string>();
  const underWay = new Set<Promise<void>>();

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

  async function onCommand(interaction: CommandInteraction): Promise<void> {
    const call = callOf(interaction);
    const recipe = recipes.get(interaction.data.name);
    if (!recipe) return await port.answer(call, notice(text.unknownCommand), 'private');
    const user = userOf(interaction);
    const given = givenOptions(interaction);
    const visibility: Visibility = given.values.get(PRIVATE_OPTION) === true ? 'private' : 'public';
    const admission = await queue.admit(user);
    if ('refused' in admission)
      return await port.answer(call, problemNotice(await refusal(user, admission)), 'private');
    try {
      // Before anything else that waits: there are 3 s.
      const messageId = await port.defer(call, visibility);
      const place = {
        user,
        visibility,
        channel: interaction.channel.id,
        botIsMember: ApplicationIntegrationType.GuildInstall in interaction.authorizing_integration_owners,
        fileLimit: interaction.attachment_size_limit,
      };
      const reply = createReply({ port, call, place, messageId, clock, log });
      await startJob(recipe, user, given, reply, admission);
    } finally {
      admission.leave();
    }
  }

  async function refusal(user: string, refused: Refusal): Promise<string> {
    if (refused.refused === 'full') return text.overLimit(await queue.unfinishedOf(user), refused.checking);
    return refused.refused === 'disk' ? text.noRoom : text.closing;
  }

  async function startJob(
    recipe: Recipe,
    user: string,
    options: GivenOptions,
    reply: Reply,
    admission: Admission,
  ): Promise<void> {
    const id = spool.newJobId();
    let job: Job;
    try {
      const answers = await inputs.read(id, recipe, options);
      job = await admission.enter({ id, recipe, user, answers, note: '' });
    } catch (error) {
      // Telling it may take long, and nothing is going to be queued.
      admission.leave();
      await spool.remove(id);
      if (!(error instanceof UserError)) log.error({ job: id, error }, 'Answers not read');
      const sentence = error instanceof UserError ? text.problems(error.problems) : text.ourFault;
      return await reply.edit(problemNotice(sentence));
    }
    await follow(job, reply);
  }

  async function onComponent(interaction: APIMessageComponentInteraction): Promise<void> {
    const call = callOf(interaction);
    const pressed =
      interaction.data.component_type === ComponentType.Button ? parseCustomId(interaction.data.custom_id) : undefined;
    const job = pressed && (await queue.get(pressed.job));
    if (!pressed || !job) return await port.answer(call, notice(text.unknownButton), 'private');
    if (pressed.action === 'files') return await showOtherFiles(call, job, interaction.attachment_size_limit);
    if (userOf(interaction) !== job.user && !mayModerate(interaction)) {
      return await port.answer(call, notice(text.notYours), 'private');
    }
    // The card itself shows what became of it.
    if (await queue.cancel(job.id)) return await port.deferUpdate(call);
    return await port.answer(call, notice(text.endedAlready), 'private');
  }

  async function showOtherFiles(call: Call, job: Job, fileLimit: number): Promise<void> {
    await port.defer(call, 'private');
    const [first, ...further] = await delivery.otherFiles(job, fileLimit);
    await port.editReply(call, first ?? notice(text.filesGone));
    for (const message of further) await port.followUp(call, message, 'private');
  }

  return {
    async handle(interaction) {
      if (seen.has(interaction.id)) return;
      seen.add(interaction.id);
      const [oldest] = seen;
      if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
      log.debug({ interaction: interaction.id, ageMs: clock.now() - madeAt(interaction.id) }, 'Interaction');
      const handled = route(interaction).catch((error: unknown) =>
        log.error({ interaction: interaction.id, error }, 'Interaction failed'),
      );
      underWay.add(handled);
      await handled;
      underWay.delete(handled);
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}

type CommandInteraction = APIChatInputApplicationCommandInteraction;

function callOf({ id, application_id, token }: APIInteraction): Call {
  return { id, application: application_id, token };
}

/** Discord puts the user into `member` in a server, and beside it everywhere else. */
function userOf(interaction: APIInteraction): string {
  return interaction.member?.user.id ?? interaction.user?.id ?? '';
}

function mayModerate({ member }: APIMessageComponentInteraction): boolean {
  return member !== undefined && (BigInt(member.permissions) & PermissionFlagsBits.ManageMessages) !== 0n;
}

function givenOptions({ data }: CommandInteraction): GivenOptions {
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

function madeAt(id: string): number {
  return Number((BigInt(id) >> 22n) + DISCORD_EPOCH);
}
