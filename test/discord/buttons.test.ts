import { InteractionType, type APIInteraction, type APIMessageComponentInteraction } from 'discord-api-types/v10';
import { ComponentType } from 'discord-api-types/v10';
import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { systemClock } from '../../src/clock.ts';
import { createArrivals } from '../../src/discord/arrivals.ts';
import { createButtons } from '../../src/discord/buttons.ts';
import { jobsCard, notice } from '../../src/discord/card.ts';
import { button } from '../../src/discord/components.ts';
import { PICK_JOB } from '../../src/discord/custom-id.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import { createGate } from '../../src/gate.ts';
import { acceptJob, type Job } from '../../src/jobs/job.ts';
import type { Access, Recipe } from '../../src/recipes/recipe.ts';
import type { SeenMessage } from '../e2e/person.ts';
import { eventually } from '../eventually.ts';
import { callOf, openLocal } from './_stage.ts';

function isComponent(interaction: APIInteraction): interaction is APIMessageComponentInteraction {
  return interaction.type === InteractionType.MessageComponent;
}

/** The buttons of one job, on a local Discord; what was accepted. */
async function setUp(job: Job | undefined, recipes: readonly Recipe[] = []) {
  const local = await openLocal();
  const { port, log, heard } = local;
  const unused = () => Promise.reject(new Error('not to be asked'));
  const accepted: string[] = [];
  const buttons = createButtons({
    recipes: new Map(recipes.map((recipe) => [recipe.name, recipe])),
    queue: {
      get: async () => job,
      view: async () => job && { job },
      cancel: unused,
    },
    delivery: {
      resultPage: async () => notice('the result'),
      filesPage: unused,
      originalsPage: unused,
    },
    follower: { renew: unused },
    accept: async (interaction) => {
      await port.answer(callOf(interaction), notice('taken'), 'public');
      accepted.push(interaction.id);
      return true;
    },
    arrivals: createArrivals({
      store: { saveArrival: () => undefined, removeArrival: () => undefined, arrivals: () => [] },
      port,
      clock: systemClock,
      log,
    }),
    port,
    spool: { folder: unused, copyInputs: unused },
    inTurn: createGate(1),
    backendName: 'ViewComfy',
    clock: systemClock,
    log,
  });

  /** Shows somebody a message, has somebody use it, and answers what was heard of that. */
  async function used(message: OutgoingMessage, use: (seen: SeenMessage) => Promise<string>) {
    await port.answer(callOf(await local.call('ana')), message, 'public');
    const [seen] = await local.person('bo').messages();
    if (!seen) throw new Error('no message');
    const interaction = await use(seen);
    return await eventually(() => {
      const found = heard.find(({ id }) => id === interaction);
      if (!found || !isComponent(found)) throw new Error('not heard');
      return found;
    });
  }
  return { ...local, buttons, accepted, used };
}

/** Somebody who chooses a job in a list, whoever it belongs to; what they see. */
async function choose(job: Job | undefined): Promise<string> {
  const { buttons, person, used } = await setUp(job);
  const options = [{ label: 'a job', value: 'job' }];
  const select = { type: ComponentType.StringSelect as const, custom_id: PICK_JOB, options };
  const list = jobsCard(['a list'], { type: ComponentType.ActionRow, components: [select] });
  const bo = person('bo');
  const chosen = await used(list, (seen) => bo.choose(seen, PICK_JOB, 'job'));
  await buttons.show(chosen, 'job');
  return (await bo.answer(chosen.id)).text;
}

function jobOf(user: string): Job {
  return acceptJob({ id: 'job', recipe: character, user, answers: { prompt: 'a secret' }, note: '' }, 0);
}

describe('a job that is chosen from a list', () => {
  it('of somebody else is not shown', async () => {
    const said = await choose(jobOf('100000000000000001'));
    expect(said).toContain('not kept any more');
    expect(said).not.toContain('a secret');
  });

  it('that is not kept any more is told so', async () => {
    await expect(choose(undefined)).resolves.toContain('not kept any more');
  });
});

describe('a job that is run again', () => {
  const access: Access = { roles: ['100000000000000001'] };

  it.each<[string, Access | undefined, readonly Recipe[], RegExp]>([
    ['is taken where nothing is in the way', undefined, [], /taken/],
    ['is refused where its recipe is not for the person', access, [], /only for members with the role <@&1/],
    ['is refused where that was decided since then', undefined, [{ ...character, access }], /only for members/],
    ['is taken where it is for everybody by now', access, [character], /taken/],
  ])('%s', async (_what, then, recipes, expected) => {
    const bo = '300000000000000001';
    const recipe: Recipe = { ...character, ...(then && { access: then }) };
    const job = { ...jobOf(bo), recipe, state: 'interrupted' as const };
    const { buttons, person, used, accepted } = await setUp(job, recipes);
    const message = {
      components: [{ type: ComponentType.ActionRow as const, components: [button('Again', 'again', 'job')] }],
    };
    const pressed = await used(message, (seen) => person('bo').press(seen, /Again/));
    if (!pressed.member) throw new Error('not in a server');
    const own = { ...pressed, member: { ...pressed.member, user: { ...pressed.member.user, id: bo } } };
    await buttons.press(own, { action: 'again', job: 'job', from: 0, bytes: 0 });
    expect((await person('bo').answer(pressed.id)).text).toMatch(expected);
    expect(accepted).toHaveLength(expected.test('taken') ? 1 : 0);
  });
});
