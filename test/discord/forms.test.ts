import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ChannelType,
  ComponentType,
  InteractionType,
  type APIInteraction,
} from 'discord-api-types/v10';
import { describe, expect, it } from 'vitest';
import { createForms } from '../../src/discord/forms.ts';
import type { GivenOptions } from '../../src/discord/inputs.ts';
import { createInteractions } from '../../src/discord/interactions.ts';
import { acceptJob, type Job } from '../../src/jobs/job.ts';
import { commandOf } from '../../src/recipes/commands.ts';
import type { Access, Recipe, StoredFile } from '../../src/recipes/recipe.ts';
import type { Form } from '../../src/storage/store.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import { openLocal } from './_stage.ts';

const choices = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`mood ${index}`, index]));

const story = {
  name: 'story',
  description: 'A picture from many words',
  options: {
    mood: { kind: 'choice', description: 'How', choices, parameters: ['1-inputs-mood'] },
    pose: {
      kind: 'picture',
      description: 'A pose',
      default: new URL('file:///pose.png'),
      maxSide: 512,
      parameters: ['4-inputs-image'],
    },
    prompt: { kind: 'long-text', description: 'What', required: true, parameters: ['2-inputs-text'] },
    negative: { kind: 'long-text', description: 'What not', default: 'blur', parameters: ['3-inputs-text'] },
  },
  outputs: { main: [] },
} satisfies Recipe;
const short: Recipe = { ...story, name: 'short', options: { mood: story.options.mood } };

const WORDS = 'a harbour at dawn';
const POSE: StoredFile = { name: 'pose.png', mediaType: 'image/png', path: '/defaults/1.png', size: 3 };

/** The way of an interaction, with a queue that takes everything, or fails. */
async function setUp() {
  const recipes = new Map<string, Recipe>([story, short].map((recipe) => [recipe.name, recipe]));
  const forms = new Map<string, Form>();
  const defaults = new Map([
    ['file:///pose.png', POSE],
    ['file:///else.png', POSE],
  ]);
  const jobs = new Map<string, Job>();
  const asked: { recipe: Recipe; given: GivenOptions }[] = [];
  /** what would be given back where no job came of it */
  const kept: unknown[] = [];
  const clock = createManualClock();
  const faults: { accept?: Error; read?: Promise<void>; suggest?: Error } = {};
  const local = await openLocal({ onInteraction: (interaction) => handle(interaction) });
  const { port, log, discord, client } = local;
  await client.bot.put(`/applications/${discord.applicationId}/commands`, { body: [story, short].map(commandOf) });
  const unused = () => Promise.reject(new Error('not to be asked'));
  const inputs = {
    checkAttached: () => undefined,
    read: async (_job: string, recipe: Recipe, given: GivenOptions) => {
      asked.push({ recipe, given });
      return {};
    },
  };
  const accept: Parameters<typeof createForms>[0]['accept'] = async (interaction, wish) => {
    const id = wish.id ?? 'job';
    kept.push(wish.typed);
    if (faults.accept) throw faults.accept;
    await faults.read;
    await wish.answersFor(id);
    const user = interaction.member?.user.id ?? '';
    jobs.set(id, acceptJob({ id, user, recipe: wish.recipe, answers: {}, note: '' }, 0));
    await port.answer(
      { id: interaction.id, application: interaction.application_id, token: interaction.token },
      { components: [{ type: ComponentType.TextDisplay, content: 'taken' }] },
      'public',
    );
    return true;
  };
  let made = 0;
  const interactions = createInteractions({
    recipes,
    inputs,
    accept,
    buttons: { press: unused, show: unused },
    forms: createForms({
      recipes,
      store: {
        saveForm: (form) => void forms.set(form.id, form),
        form: (id) => forms.get(id),
        removeForm: (id) => void forms.delete(id),
      },
      queue: {
        admit: async () => ({ enter: unused, leave: () => undefined }),
        get: async (id) => jobs.get(id),
        unfinishedOf: async () => [],
      },
      inputs,
      defaults,
      accept,
      port,
      spool: { newJobId: () => `form-${(made += 1)}` },
      clock,
      log,
    }),
    listJobs: unused,
    port: {
      ...port,
      suggest: (...given) => (faults.suggest ? Promise.reject(faults.suggest) : port.suggest(...given)),
    },
    clock,
    log,
  });
  /** how the next interaction is changed on its way */
  const changes: { next: (interaction: APIInteraction) => APIInteraction } = { next: (interaction) => interaction };
  async function handle(interaction: APIInteraction): Promise<void> {
    await interactions.handle(changes.next(interaction));
  }
  const ana = local.person('ana');

  async function answerTo(interaction: string) {
    return await ana.answer(interaction);
  }
  async function typed(words: Record<string, string> = {}) {
    const command = await ana.call('story', {});
    return await ana.submitModal(command, { prompt: WORDS, ...words });
  }
  return { ...local, ana, recipes, forms, defaults, jobs, asked, kept, faults, changes, handle, answerTo, typed };
}

function isSubmit({ type }: APIInteraction): boolean {
  return type === InteractionType.ModalSubmit;
}

describe('a form that is sent', () => {
  it('becomes a job of the recipe as it was with the files that it had, and is no form any more', async () => {
    const { recipes, asked, forms, defaults, answerTo, ana } = await setUp();
    const command = await ana.call('story', { mood: 'mood 3' });
    await expect.poll(() => forms.size).toBe(1);
    recipes.set('story', { ...story, options: {} });
    defaults.clear();
    await expect(answerTo(await ana.submitModal(command, { prompt: WORDS, negative: '' }))).resolves.toMatchObject({
      text: 'taken',
    });
    expect(asked).toEqual([
      {
        recipe: story,
        given: {
          values: new Map([
            ['mood', 'mood 3'],
            ['prompt', WORDS],
            ['negative', ''],
          ]),
          resolved: { attachments: {} },
          defaults: new Map([['file:///pose.png', POSE]]),
        },
      },
    ]);
    await eventually(() => expect(forms.size).toBe(0));
  });

  it('keeps the words to be given back, but not what stood there already', async () => {
    const { kept, answerTo, typed } = await setUp();
    await answerTo(await typed({ negative: 'blur' }));
    await answerTo(await typed({ negative: 'blur and noise' }));
    expect(kept).toEqual([
      [['prompt', WORDS]],
      [
        ['prompt', WORDS],
        ['negative', 'blur and noise'],
      ],
    ]);
  });

  it('by somebody else is refused, and gives them their words back', async () => {
    const { changes, forms, jobs, answerTo, typed } = await setUp();
    changes.next = (interaction) =>
      isSubmit(interaction) && interaction.member
        ? { ...interaction, member: { ...interaction.member, user: { ...interaction.member.user, id: '77' } } }
        : interaction;
    const told = await answerTo(await typed());
    expect(told).toMatchObject({ ephemeral: true, text: expect.stringContaining(WORDS) });
    expect(told.text).toContain('Only the person who sent the command');
    expect([forms.size, jobs.size]).toEqual([1, 0]);
  });

  it('twice makes one job, whether the first is being read or was taken', async () => {
    const { faults, heard, handle, jobs, asked, answerTo, typed, ana, changes } = await setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    faults.read = promise;
    const first = await typed();
    const submit = await eventually(() => {
      const found = heard.find(({ id }) => id === first);
      if (!found) throw new Error('not heard');
      return found;
    });
    // Each further one comes by a token of its own, as Discord's do.
    changes.next = (interaction) =>
      isSubmit(interaction) && submit.type === InteractionType.ModalSubmit && interaction.type === submit.type
        ? { ...interaction, data: submit.data }
        : interaction;
    const second = await answerTo(await typed());
    expect(second.text).toMatch(/sent already, and is being read/);
    expect(second.text).toContain(WORDS);
    resolve();
    await expect(answerTo(first)).resolves.toMatchObject({ text: 'taken' });
    const third = await answerTo(await typed());
    expect(third.text).toMatch(/sent already: its job/);
    expect(third.text).toContain(WORDS);
    expect([jobs.size, asked.length]).toEqual([1, 1]);
    await handle(submit);
    expect(asked).toHaveLength(1);
    expect(await ana.messages()).toHaveLength(3);
  });

  it('of nobody, or of something else, gives the words back', async () => {
    const { changes, answerTo, typed } = await setUp();
    for (const customId of ['form:never', 'form:', 'other', 'form:__proto__']) {
      changes.next = (interaction) =>
        interaction.type === InteractionType.ModalSubmit
          ? { ...interaction, data: { ...interaction.data, custom_id: customId } }
          : interaction;
      const told = await answerTo(await typed());
      expect(told.text).toMatch(/not kept any more, so nothing was started/);
      expect(told.text).toContain(WORDS);
    }
  });

  it('gives the words back where the fault is ours', async () => {
    const { faults, answerTo, typed } = await setUp();
    faults.accept = new Error('a mistake');
    const told = await answerTo(await typed({ negative: 'no ``` fences' }));
    expect(told).toMatchObject({ ephemeral: true });
    expect(told.text).toContain('went wrong in the bot itself');
    expect(told.text).toContain(`\`\`\`\n${WORDS}\n\`\`\``);
    expect(told.text).toContain('no ˋˋˋ fences');
  });

  it('is refused where the person may not use the recipe any more', async () => {
    const { recipes, jobs, forms, answerTo, ana } = await setUp();
    const command = await ana.call('story', {});
    await expect.poll(() => forms.size).toBe(1);
    recipes.set('story', { ...story, ...({ access: { roles: ['100000000000000001'] } } satisfies { access: Access }) });
    const told = await answerTo(await ana.submitModal(command, { prompt: WORDS }));
    expect(told.text).toContain('only for members with the role <@&100000000000000001>');
    expect(told.text).toContain(WORDS);
    expect(jobs.size).toBe(0);
  });
});

describe('a command', () => {
  it('has the values of its recipe’s options, whatever else comes with it', async () => {
    const { changes, forms, ana, asked, answerTo, recipes } = await setUp();
    const notes: Recipe['options'][string] = { kind: 'long-text', description: 'More', parameters: ['4-inputs-text'] };
    recipes.set('story', { ...story, options: { ...story.options, notes } });
    changes.next = (interaction) =>
      interaction.type === InteractionType.ApplicationCommand &&
      interaction.data.type === ApplicationCommandType.ChatInput
        ? {
            ...interaction,
            data: {
              ...interaction.data,
              options: [
                ...(interaction.data.options ?? []),
                { name: 'toString', type: ApplicationCommandOptionType.String, value: 'x' },
                { name: '__proto__', type: ApplicationCommandOptionType.String, value: 'x' },
                { name: 'notes', type: ApplicationCommandOptionType.String, value: 'from elsewhere' },
              ],
            },
          }
        : interaction;
    const command = await ana.call('story', { mood: 'mood 1' });
    await expect.poll(() => forms.size).toBe(1);
    await answerTo(await ana.submitModal(command, { prompt: WORDS }));
    expect([...(asked[0]?.given.values ?? [])]).toEqual([
      ['mood', 'mood 1'],
      ['prompt', WORDS],
      ['negative', 'blur'],
    ]);
  });

  it('whose recipe is gone is not known any more', async () => {
    const { recipes, ana, answerTo } = await setUp();
    recipes.delete('story');
    const told = await answerTo(await ana.call('story', {}));
    expect(told.text).toContain('This command is not known any more');
  });

  it.each(['story', 'short'])('is for those who have its role, in its server: /%s', async (name) => {
    const { recipes, heard, discord, person, ana, answerTo, asked, forms } = await setUp();
    const mod = person('mod');
    const first = await mod.call(name, {});
    const role = await eventually(() => {
      const found = heard.find(({ id }) => id === first)?.member?.roles[0];
      if (found === undefined) throw new Error('not heard');
      return found;
    });
    const taken = () => asked.length + forms.size;
    await expect.poll(taken).toBe(1);
    recipes.set(name, { ...(name === 'story' ? story : short), access: { servers: [discord.guildId], roles: [role] } });
    const told = await answerTo(await ana.call(name, {}));
    expect(told).toMatchObject({ ephemeral: true, text: expect.stringContaining(`<@&${role}>`) });
    expect(taken()).toBe(1);
    await mod.call(name, {});
    await expect.poll(taken).toBe(2);
    const alone = await mod.answer(await mod.call(name, {}, 'dm'), 'dm');
    expect(alone.text).toContain('certain servers only');
  });

  it('for adults is refused in a channel that is for everybody', async () => {
    const { recipes, ana, answerTo, changes, asked } = await setUp();
    recipes.set('short', { ...short, nsfw: true });
    const told = await answerTo(await ana.call('short', {}));
    expect(told).toMatchObject({ ephemeral: true, text: expect.stringContaining('age-restricted channels only') });
    changes.next = (interaction) => {
      const { channel } = interaction;
      return channel?.type === ChannelType.GuildText
        ? { ...interaction, channel: { ...channel, nsfw: true } }
        : interaction;
    };
    await expect(answerTo(await ana.call('short', {}))).resolves.toMatchObject({ text: 'taken' });
    expect(asked).toHaveLength(1);
  });
});

describe('what is typed into an option', () => {
  it('is answered with nothing by a recipe that is gone or not for the person', async () => {
    const { recipes, ana } = await setUp();
    await expect(ana.autocomplete('story', 'mood', '2')).resolves.toHaveLength(12);
    recipes.set('story', { ...story, access: { users: ['100000000000000001'] } });
    await expect(ana.autocomplete('story', 'mood', '2')).resolves.toEqual([]);
    recipes.delete('story');
    await expect(ana.autocomplete('story', 'mood', '2')).resolves.toEqual([]);
  });

  it('that cannot be answered is no error', async () => {
    const { faults, lines, discord, heard } = await setUp();
    faults.suggest = new Error('Discord is away');
    void fetch(`${discord.url}/playground/users/ana/autocomplete?command=story&option=mood&value=2`).catch(
      () => undefined,
    );
    await expect.poll(() => lines.some((line) => line.includes('Choices not told'))).toBe(true);
    expect(heard).toHaveLength(1);
    expect(lines.filter((line) => line.includes('Interaction failed'))).toEqual([]);
  });
});
