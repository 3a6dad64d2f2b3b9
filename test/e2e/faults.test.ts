import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { z } from 'zod';
import type { Person, Picture, SeenMessage } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const CALLBACK = 'POST /interactions/{interaction}/{token}/callback';
const EDIT = 'PATCH /webhooks/{application}/{token}/messages/{message}';
const OWN_EDIT = 'PATCH /channels/{channel}/messages/{message}';
const SEND = 'POST /channels/{channel}/messages';

const DONE = / s on ViewComfy/;
const Kind = z.enum(['reset', 'cut', 'stall', '502', '429', '401', 'lost-answer']);
type Kind = z.infer<typeof Kind>;
const State = z.object({
  bot: z.object({ online: z.boolean() }),
  faults: z.array(z.object({ route: z.string().exactOptional(), kind: Kind, times: z.number() })),
});

let stage: Stage;
let character: Picture;
let people = 100;

beforeAll(async () => {
  const { bytes } = await PORTRAIT;
  character = { name: 'me.png', bytes: Uint8Array.from(await sharp(bytes).resize(192).png().toBuffer()) };
  stage = await openStage({
    // Nobody has a place to spare: one that is not given back is missed by the next command.
    limits: { waitingPerUser: 0, runningAtOnce: 4 },
    viewcomfy: { drawing: 'flat', runMs: 20, atOnce: 4 },
    patience: { firstAnswerMs: 300, wordsMs: 300, filesMs: 600, pausesMs: [30, 60, 120, 240] },
  });
  const unknown = [CALLBACK, EDIT, OWN_EDIT, SEND].filter((route) => !stage.discord.botRoutes.includes(route));
  if (unknown.length > 0) throw new Error(`The local Discord has no ${unknown.join(', ')}`);
});
afterEach(async () => {
  for (const fault of (await state()).faults) stage.discord.setFault({ ...fault, times: 0 });
});
afterAll(() => stage.close());

async function state() {
  return State.parse(await (await fetch(`${stage.discord.url}/playground/state`)).json());
}

function newPerson(): Person {
  people += 1;
  return stage.person(`person${people}`);
}

async function begin(person: Person, runMs = 20): Promise<{ prompt: string; reply: SeenMessage }> {
  const prompt = `a pilot for ${person.name} once`;
  stage.viewcomfy.next({ runMs });
  return { prompt, reply: await person.character(prompt, { character }) };
}

/** How often the pictures came and were made, once every fault has struck and another command has worked. */
async function outcomeOf(person: Person, prompt: string) {
  await expect.poll(async () => (await state()).faults).toEqual([]);
  await worksFor(person);
  const told = (await person.messages()).filter(({ text }) => text.includes(prompt));
  return {
    pictures: told.map(({ pictures }) => pictures.length),
    runs: stage.viewcomfy.runs.filter(({ params }) => params['594-inputs-string'] === prompt).length,
  };
}
const ONCE = { pictures: [4], runs: 1 };

/** Whether a command of this person ends in pictures. */
async function worksFor(person: Person): Promise<boolean> {
  const next = await person.character(`a sailor for ${person.name}`, { character });
  return (await person.waitFor(next.id, DONE)).pictures.length === 4;
}

/** The messages with the pictures of a prompt, as soon as there is one. */
async function delivered(person: Person, prompt: string): Promise<SeenMessage[]> {
  let found: SeenMessage[] = [];
  await expect
    .poll(
      async () => {
        found = (await person.messages()).filter(
          ({ text, pictures }) => text.includes(prompt) && pictures.length === 4,
        );
        return found.length;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(0);
  return found;
}

/** A command whose run is shown, and takes long enough for faults to be switched on. */
async function beginSlowly(person: Person): Promise<{ prompt: string; reply: SeenMessage }> {
  const { prompt, reply } = await begin(person, 300);
  return { prompt, reply: await person.waitFor(reply.id, /Running/) };
}

type Case = readonly [kind: Kind, times: number];
const NO_ANSWER: readonly Case[] = [
  ['reset', 2],
  ['cut', 1],
  ['stall', 1],
  ['502', 2],
  ['lost-answer', 2],
];
const LIMITED: Case = ['429', 1];
const REFUSED: Case = ['401', 1];

describe('the pictures come once, whatever happens to', () => {
  it.each([...NO_ANSWER, LIMITED])('the first answer: %s, %d times', async (kind, times) => {
    const person = newPerson();
    stage.discord.setFault({ route: CALLBACK, kind, times });
    const { prompt, reply } = await begin(person);
    await person.waitFor(reply.id, DONE);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it.each([...NO_ANSWER, REFUSED])('the progress: %s, %d times', async (kind, times) => {
    const person = newPerson();
    stage.discord.setFault({ route: EDIT, kind, times });
    const { prompt, reply } = await begin(person);
    await person.waitFor(reply.id, DONE);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it.each([...NO_ANSWER, LIMITED, REFUSED])('the result: %s, %d times', async (kind, times) => {
    const person = newPerson();
    const { prompt, reply } = await beginSlowly(person);
    stage.discord.setFault({ route: EDIT, kind, times });
    await person.waitFor(reply.id, DONE);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it.each([
    ['reset', 2],
    ['lost-answer', 2],
  ] as const)('the edit by the bot instead of by the call: %s, %d times', async (kind, times) => {
    const person = newPerson();
    // Its id is learnt from an edit: the answer to the first answer was lost.
    stage.discord.setFault({ route: CALLBACK, kind: 'lost-answer', times: 1 });
    const { prompt, reply } = await beginSlowly(person);
    stage.discord.setFault({ route: EDIT, kind: '401', times: 1 });
    stage.discord.setFault({ route: OWN_EDIT, kind, times });
    await person.waitFor(reply.id, DONE);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it.each([
    ['reset', 2],
    ['lost-answer', 2],
  ] as const)('the message instead of a deleted reply: %s, %d times', async (kind, times) => {
    const person = newPerson();
    const { prompt, reply } = await beginSlowly(person);
    stage.deleteMessage(reply);
    stage.discord.setFault({ route: SEND, kind, times });
    await delivered(person, prompt);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it('Discord as a whole, for a while', async () => {
    const person = newPerson();
    const { prompt, reply } = await beginSlowly(person);
    stage.discord.setFault({ kind: 'reset', times: 1000 });
    await expect.poll(async () => (await state()).faults[0]?.times).toBeLessThan(998);
    stage.discord.setFault({ kind: 'reset', times: 0 });
    await person.waitFor(reply.id, DONE);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });
});

describe('the pictures do not come as a new message', () => {
  it('while nobody knows what became of the edit', async () => {
    const person = newPerson();
    const { prompt, reply } = await beginSlowly(person);
    for (const route of [EDIT, OWN_EDIT]) stage.discord.setFault({ route, kind: 'lost-answer', times: 6 });
    await person.waitFor(reply.id, DONE);
    for (const route of [EDIT, OWN_EDIT]) stage.discord.setFault({ route, kind: 'lost-answer', times: 0 });
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });
});

describe('the pictures come as a new message', () => {
  it('when both ways of editing are refused; discord.js forgets the token then, the bot does not', async () => {
    const person = newPerson();
    const { prompt } = await beginSlowly(person);
    for (const route of [EDIT, OWN_EDIT]) stage.discord.setFault({ route, kind: '401', times: 1 });
    await expect(delivered(person, prompt)).resolves.toHaveLength(1);
    await expect(worksFor(person)).resolves.toBe(true);
  });
});

describe('the other files all come once, whatever happens to the answer that holds them', () => {
  it.each([
    ['reset', 2],
    ['stall', 1],
    ['502', 2],
    ['lost-answer', 1],
  ] as const)('%s, %d times', async (kind, times) => {
    const person = newPerson();
    const { reply } = await begin(person);
    const result = await person.waitFor(reply.id, DONE);
    stage.discord.setFault({ route: EDIT, kind, times });
    const page = await person.answer(await person.press(result, /11 other files/));
    await person.answer(await person.press(await person.withPictures(page.id, 10), /Next file/));
    await expect
      .poll(async () => {
        const seen = await person.messages();
        return seen.filter(({ ephemeral }) => ephemeral).map(({ pictures }) => pictures.length);
      })
      .toEqual([10, 1]);
    await expect(worksFor(person)).resolves.toBe(true);
  });
});

describe('for whom cannot be answered nothing is run, and their place is free again', () => {
  it.each([
    ['reset', 4],
    ['502', 4],
    ['401', 1],
  ] as const)('%s, %d times', async (kind, times) => {
    const person = newPerson();
    const runs = stage.viewcomfy.runs.length;
    stage.discord.setFault({ route: CALLBACK, kind, times });
    await person.call('character', { prompt: 'for nobody', character });
    await expect.poll(async () => (await state()).faults).toEqual([]);
    await expect(worksFor(person)).resolves.toBe(true);
    expect(stage.viewcomfy.runs).toHaveLength(runs + 1);
    expect(stage.viewcomfy.runs.map(({ params }) => params['594-inputs-string'])).not.toContain('for nobody');
  });
});

it('a first answer that has arrived without the bot knowing says that nothing was started', async () => {
  const person = newPerson();
  const runs = stage.viewcomfy.runs.length;
  stage.discord.setFault({ route: CALLBACK, kind: 'lost-answer', times: 4 });
  await person.call('character', { prompt: 'for nobody', character });
  await expect.poll(async () => (await person.messages()).at(-1)?.text).toMatch(/nothing was started/);
  expect(stage.viewcomfy.runs).toHaveLength(runs);
  await expect(worksFor(person)).resolves.toBe(true);
});

describe('the gateway', () => {
  it.each(['reconnect', 'drop', 'invalidate'] as const)('%s during a run is not noticed', async (fault) => {
    const person = newPerson();
    const { prompt, reply } = await beginSlowly(person);
    stage.discord.gateway[fault]();
    await person.waitFor(reply.id, DONE);
    await expect.poll(async () => (await state()).bot.online).toBe(true);
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });

  it('bringing a command twice has it answered once', async () => {
    const person = newPerson();
    const { prompt, reply } = await begin(person);
    stage.discord.gateway.repeat();
    await person.waitFor(reply.id, DONE);
    stage.discord.gateway.repeat();
    await expect(outcomeOf(person, prompt)).resolves.toEqual(ONCE);
  });
});
