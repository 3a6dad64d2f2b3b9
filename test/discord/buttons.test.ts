import { InteractionType, type APIInteraction, type APIMessageComponentInteraction } from 'discord-api-types/v10';
import { ComponentType } from 'discord-api-types/v10';
import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createButtons } from '../../src/discord/buttons.ts';
import { jobsCard, notice } from '../../src/discord/card.ts';
import { PICK_JOB } from '../../src/discord/custom-id.ts';
import { createArrivals } from '../../src/discord/arrivals.ts';
import { createGate } from '../../src/gate.ts';
import { acceptJob, type Job } from '../../src/job.ts';
import { systemClock } from '../../src/clock.ts';
import { eventually } from '../eventually.ts';
import { callOf, openLocal } from './_stage.ts';

function isComponent(interaction: APIInteraction): interaction is APIMessageComponentInteraction {
  return interaction.type === InteractionType.MessageComponent;
}

/** Somebody who chooses a job in a list, whoever it belongs to; what they see. */
async function choose(job: Job | undefined): Promise<string> {
  const local = await openLocal();
  const { port, log, heard } = local;
  const unused = () => Promise.reject(new Error('not to be asked'));
  const buttons = createButtons({
    recipes: new Map(),
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
    accept: unused,
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
  const options = [{ label: 'a job', value: 'job' }];
  const select = { type: ComponentType.StringSelect as const, custom_id: PICK_JOB, options };
  const list = jobsCard(['a list'], { type: ComponentType.ActionRow, components: [select] });
  await port.answer(callOf(await local.call('ana')), list, 'public');
  const bo = local.person('bo');
  const [message] = await bo.messages();
  if (!message) throw new Error('no list');
  const interaction = await bo.choose(message, PICK_JOB, 'job');
  const chosen = await eventually(() => {
    const found = heard.find(({ id }) => id === interaction);
    if (!found || !isComponent(found)) throw new Error('not heard');
    return found;
  });
  await buttons.show(chosen, 'job');
  return (await bo.answer(interaction)).text;
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
