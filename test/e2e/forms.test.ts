import { afterEach, describe, expect, it } from 'vitest';
import { createPage } from '../../src/playground/page-server.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { findBrowser, launchBrowser } from '../browser.ts';
import type { Person } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const DONE = / s on ViewComfy/;

const moods = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`Mood ${index + 1}`, index + 1]));

const story: Recipe = {
  name: 'story',
  description: 'A picture from many words',
  options: {
    portrait: { kind: 'picture', description: 'Who', required: true, maxSide: 512, parameters: ['1-inputs-image'] },
    mood: { kind: 'choice', description: 'How', choices: moods, default: 'Mood 7', parameters: ['2-inputs-mood'] },
    prompt: {
      kind: 'long-text',
      description: 'What happens',
      required: true,
      maxLength: 3500,
      parameters: ['3-inputs-text'],
    },
    negative: { kind: 'long-text', description: 'What not', default: 'blurry', parameters: ['4-inputs-text'] },
    notes: { kind: 'long-text', description: 'What else', parameters: ['5-inputs-text'] },
  },
  outputs: { main: [] },
};

/** Words as people write them, with what could break out of a message. */
const WORDS = `A harbour at dawn, “golden” light 🎭\n\n- ropes\n- \`nets\` and \`\`\`fish\`\`\`\n<@123> @everyone \\o/`;

let stage: Stage;

afterEach(() => stage.close());

function open(options: Parameters<typeof openStage>[0] = {}): Promise<Stage> {
  return openStage({ recipes: [story], ...options, viewcomfy: { drawing: 'flat', ...options.viewcomfy } });
}

async function begin(person: Person, options: Record<string, string> = {}): Promise<string> {
  return await person.call('story', { portrait: await PORTRAIT, ...options });
}

function runs() {
  return stage.viewcomfy.runs.map(({ params }) => params);
}

describe('long texts', { timeout: 60_000 }, () => {
  it('are typed into a modal and arrive as they are, beside what the command gave', async () => {
    stage = await open();
    const ana = stage.person('ana');
    const command = await begin(ana, { mood: 'mood 12' });
    const submit = await ana.submitModal(command, { prompt: WORDS, notes: '' });
    const card = await ana.waitFor((await ana.answer(submit)).id, DONE);
    expect(card).toMatchObject({ ephemeral: false, pictures: { length: 1 } });
    expect(runs()).toEqual([
      expect.objectContaining({ '2-inputs-mood': 12, '3-inputs-text': WORDS, '4-inputs-text': 'blurry' }),
    ]);
    expect(runs()[0]).not.toHaveProperty('5-inputs-text');
  });

  it('that had a default and were emptied are sent empty', async () => {
    stage = await open();
    const ana = stage.person('ana');
    const submit = await ana.submitModal(await begin(ana), { prompt: 'a pier', negative: '' });
    const card = await ana.waitFor((await ana.answer(submit)).id, DONE);
    expect(card.text).toContain('negative left empty');
    expect(runs()).toEqual([expect.objectContaining({ '2-inputs-mood': 7, '4-inputs-text': '' })]);
  });

  it('are asked for in a modal that has their defaults', async () => {
    stage = await open();
    const ana = stage.person('ana');
    const command = await begin(ana);
    await expect.poll(async () => (await ana.interaction(command)).modal).toBeDefined();
    const { modal } = await ana.interaction(command);
    expect(modal).toMatchObject({
      title: '/story',
      components: [
        {
          label: 'prompt',
          description: 'What happens',
          component: { custom_id: 'prompt', style: 2, required: true, max_length: 3500 },
        },
        { label: 'negative', component: { custom_id: 'negative', required: false, value: 'blurry', max_length: 4000 } },
        { label: 'notes', component: { custom_id: 'notes', required: false } },
      ],
    });
  });

  it('make a job of a process that was killed while they were typed', async () => {
    stage = await open({ separate: true });
    const ana = stage.person('ana');
    const command = await begin(ana, { mood: 'Mood 3', private: 'true' });
    await expect.poll(async () => (await ana.interaction(command)).modal).toBeDefined();
    await stage.kill();
    await stage.start();
    const submit = await ana.submitModal(command, { prompt: WORDS });
    const card = await ana.waitFor((await ana.answer(submit)).id, DONE);
    expect(card).toMatchObject({ ephemeral: true, pictures: { length: 1 } });
    expect(runs()).toEqual([expect.objectContaining({ '2-inputs-mood': 3, '3-inputs-text': WORDS })]);
  });

  it('are not asked for where there can be no job', async () => {
    stage = await open({
      limits: { runningPerUser: 1, waitingPerUser: 0 },
      pictures: { maxBytes: 100_000 },
      viewcomfy: { runMs: 60_000 },
    });
    const ana = stage.person('ana');
    const portrait = { name: 'large.png', bytes: new Uint8Array(100_001) };
    const wrong = await ana.answer(await ana.call('story', { portrait, mood: 'rage' }));
    expect(wrong.ephemeral).toBe(true);
    expect(wrong.text).toMatch(/\*\*portrait\*\*.*at most .* are taken/);
    expect(wrong.text).toMatch(/\*\*mood\*\*.*must be one of/);
    const first = await begin(ana);
    const second = await begin(ana);
    const { id } = await ana.answer(await ana.submitModal(first, { prompt: 'one' }));
    const card = await ana.waitFor(id, /Running|Starting/);
    const full = await ana.answer(await begin(ana));
    expect(full).toMatchObject({ ephemeral: true, text: expect.stringContaining('as many jobs as one person') });

    // What was begun before that is refused when it is sent, and nothing of it is lost.
    const refused = await ana.answer(await ana.submitModal(second, { prompt: 'x'.repeat(3000), notes: WORDS }));
    expect(refused.ephemeral).toBe(true);
    expect(refused.text).toContain('as many jobs as one person');
    expect(refused.text).toContain('x'.repeat(3000));
    expect(refused.text).toContain(WORDS.replaceAll('```', 'ˋˋˋ'));
    await ana.press(card, /Cancel/);
  });

  it.each(['characters', 'elsewhere', 'dm'])(
    'come back to the person alone when a picture is refused, though the answer is public: in %s',
    async (channel) => {
      stage = await open();
      const ana = stage.person('ana');
      const portrait = { name: 'broken.png', bytes: new TextEncoder().encode('no picture') };
      const command = await ana.call('story', { portrait }, channel);
      const fields = { prompt: WORDS, negative: 'x'.repeat(3990) };
      const answer = await ana.answer(await ana.submitModal(command, fields), channel);
      const told = await ana.waitFor(answer.id, /portrait/, channel);
      expect(told.ephemeral).toBe(false);
      expect(told.text).not.toContain('harbour');
      await expect
        .poll(async () => (await ana.messages(channel)).find(({ text }) => text.includes('harbour')))
        .toMatchObject({
          ephemeral: true,
          text: expect.stringContaining('Nobody else sees this'),
          files: [expect.stringContaining('words.txt')],
        });
      expect(runs()).toEqual([]);
    },
  );

  it('are asked for once where the answer to the question was lost', async () => {
    stage = await open();
    const ana = stage.person('ana');
    stage.discord.setFault({ route: CALLBACK, kind: 'lost-answer', times: 1 });
    const submit = await ana.submitModal(await begin(ana), { prompt: WORDS });
    await ana.waitFor((await ana.answer(submit)).id, DONE);
    expect(runs()).toHaveLength(1);
  });

  it('come back after the bot was killed while it read them', async () => {
    stage = await open({ separate: true });
    const ana = stage.person('ana');
    const command = await begin(ana, { private: 'true' });
    await expect.poll(async () => (await ana.interaction(command)).modal).toBeDefined();
    stage.discord.setFault({ route: EDIT, kind: '502', times: 1000 });
    const portrait = { name: 'broken.png', bytes: new TextEncoder().encode('no picture') };
    const refused = await ana.call('story', { portrait, private: 'true' });
    const answer = await ana.answer(await ana.submitModal(refused, { prompt: WORDS }));
    await stage.kill();
    stage.discord.setFault({ route: EDIT, kind: '502', times: 0 });
    await stage.start();
    const told = await ana.waitFor(answer.id, /restarted while it read this/);
    expect(told.text).toContain('A harbour at dawn');
    await ana.submitModal(command, { prompt: 'the other form is still there' });
    await expect.poll(() => runs(), { timeout: 10_000 }).toHaveLength(1);
  });

  it('of a form that is not kept any more come back', async () => {
    stage = await open();
    const ana = stage.person('ana');
    const oldest = await begin(ana);
    await expect.poll(async () => (await ana.interaction(oldest)).modal).toBeDefined();
    for (let count = 0; count < 10; count += 1) {
      const next = await begin(ana);
      await expect.poll(async () => (await ana.interaction(next)).modal).toBeDefined();
    }
    const told = await ana.answer(await ana.submitModal(oldest, { prompt: WORDS }));
    expect(told.ephemeral).toBe(true);
    expect(told.text).toMatch(/not kept any more, so nothing was started/);
    expect(told.text).toContain('A harbour at dawn');
  });
});

const CALLBACK = 'POST /interactions/{interaction}/{token}/callback';
const EDIT = 'PATCH /webhooks/{application}/{token}/messages/{message}';

describe('more choices than Discord lists', () => {
  it('are offered while one types, and each of them can be sent', async () => {
    stage = await open();
    const ana = stage.person('ana');
    await expect(ana.autocomplete('story', 'mood', '')).resolves.toMatchObject({
      length: 25,
      0: 'Mood 7',
      1: 'Mood 1',
    });
    await expect(ana.autocomplete('story', 'mood', 'mOOd 4')).resolves.toEqual(['Mood 4', 'Mood 40']);
    await expect(ana.autocomplete('story', 'mood', '39')).resolves.toEqual(['Mood 39']);
    await expect(ana.autocomplete('story', 'mood', 'rage')).resolves.toEqual([]);
    const submit = await ana.submitModal(await begin(ana, { mood: 'Mood 39' }), { prompt: 'a pier' });
    await ana.waitFor((await ana.answer(submit)).id, DONE);
    expect(runs()).toEqual([expect.objectContaining({ '2-inputs-mood': 39 })]);
  });
});

describe('a recipe that is not for everybody', () => {
  // With a role beside it, Discord does not know of the permission: it is ours to refuse.
  const access = { permission: 'ManageMessages', roles: ['100000000000000001'] };

  it('is refused privately with what is missing, before anything is typed', async () => {
    stage = await open({ recipes: [{ ...story, access }] });
    const [ana, mod] = [stage.person('ana'), stage.person('mod')];
    const told = await ana.answer(await begin(ana));
    expect(told.ephemeral).toBe(true);
    expect(told.text).toContain('<@&100000000000000001>');
    expect(told.text).toContain('**Manage Messages**');
    await expect(ana.autocomplete('story', 'mood', '')).resolves.toEqual([]);
    await expect(mod.autocomplete('story', 'mood', '')).resolves.toHaveLength(25);
    const submit = await mod.submitModal(await begin(mod), { prompt: 'a pier' });
    await mod.waitFor((await mod.answer(submit)).id, DONE);
  });

  it('may be used by the members whom Discord shows it to, and is hidden from the others', async () => {
    stage = await open({ recipes: [{ ...story, access: { permission: 'ManageMessages' } }] });
    const [ana, mod] = [stage.person('ana'), stage.person('mod')];
    await expect(begin(ana)).rejects.toThrow('may not use story');
    await mod.submitModal(await begin(mod), { prompt: 'a pier' });
    await expect.poll(() => runs(), { timeout: 10_000 }).toHaveLength(1);
  });

  it('of another server may not be used in this one', async () => {
    stage = await open({ recipes: [{ ...story, access: { servers: ['100000000000000001'] } }] });
    const ana = stage.person('ana');
    const told = await ana.answer(await begin(ana));
    expect(told).toMatchObject({ ephemeral: true, text: expect.stringContaining('certain servers only') });
  });
});

const executable = findBrowser();

describe.skipIf(executable === undefined)('somebody at the page', { timeout: 60_000 }, () => {
  it('types a long text in the dialog that the command opens', async () => {
    stage = await open({ discord: { page: createPage() } });
    const browser = await launchBrowser(executable ?? '');
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
      page.setDefaultTimeout(15_000);
      await page.goto(`${stage.discord.url}/#channel=characters&as=ana`);
      await page.getByRole('combobox', { name: /Message/ }).fill('/story');
      await page.getByRole('listbox', { name: 'Commands' }).getByText('/story').waitFor();
      await page.keyboard.press('Enter');
      const form = page.getByRole('form', { name: 'Command story' });
      const { name, bytes } = await PORTRAIT;
      const buffer = Buffer.from(bytes);
      await form.locator('input[type=file]').setInputFiles({ name, mimeType: 'image/png', buffer });
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: '/story' });
      await dialog.getByLabel('prompt').fill(WORDS);
      await dialog.getByLabel('negative').fill('fog\nand rain');
      await dialog.getByRole('button', { name: 'Submit' }).click();
      await page.getByText(DONE).waitFor();
      expect(runs()).toEqual([expect.objectContaining({ '3-inputs-text': WORDS, '4-inputs-text': 'fog\nand rain' })]);
    } finally {
      await browser.close();
    }
  });
});
