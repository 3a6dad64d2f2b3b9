import { channel } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { PORTRAIT } from '../e2e/portraits.ts';
import { openStage, type Stage } from '../e2e/stage.ts';
import { eventually } from '../eventually.ts';

const DONE = / s on ViewComfy/;
const State = z.object({ bot: z.object({ online: z.boolean() }) });
const Requested = z.object({ request: z.object({ path: z.string() }) });

let stage: Stage;

beforeAll(async () => {
  // Nobody has a place to spare: one that is not given back is missed by the next command.
  stage = await openStage({ limits: { waitingPerUser: 0 }, viewcomfy: { drawing: 'flat', runMs: 20 } });
});
afterAll(() => stage.close());

/** The paths of the HTTP requests from this process, when each was begun and when it was answered. */
function watchRequests(): string[] {
  const seen: string[] = [];
  for (const [name, what] of [
    ['undici:request:create', 'begun'],
    ['undici:request:headers', 'answered'],
  ] as const) {
    const listener = (message: unknown) => void seen.push(`${what} ${Requested.parse(message).request.path}`);
    channel(name).subscribe(listener);
    onTestFinished(() => {
      channel(name).unsubscribe(listener);
    });
  }
  return seen;
}

describe('a command', () => {
  it('14: that a resumed gateway brings when its 3 s are over is not run, and takes nobody a place', async () => {
    const person = stage.person('late');
    stage.discord.gateway.drop();
    const bot = async () => State.parse(await (await fetch(`${stage.discord.url}/playground/state`)).json()).bot;
    await eventually(async () => expect((await bot()).online).toBe(false));
    const interaction = await person.call('character', { prompt: 'too late', character: await PORTRAIT });
    stage.discord.clock.advance(4000);
    await expect.poll(async () => (await bot()).online).toBe(true);
    const reply = await person.character('in time');
    await person.waitFor(reply.id, DONE);
    expect((await person.interaction(interaction)).state).toBe('failed');
    const prompts = stage.viewcomfy.runs.map(({ params }) => String(params['594-inputs-string']));
    expect(prompts.filter((prompt) => /too late|in time/.test(prompt))).toEqual([expect.stringContaining('in time')]);
    expect((await person.messages()).some(({ text }) => text.includes('too late'))).toBe(false);
  });

  it('21: is answered before its pictures are asked for', async () => {
    const requests = watchRequests();
    const person = stage.person('ana');
    const reply = await person.character('a pilot');
    await person.waitFor(reply.id, DONE);
    const answered = requests.findIndex((request) => /^answered .*\/callback/.test(request));
    const fetched = requests.findIndex((request) => /^begun .*\/ephemeral-attachments\//.test(request));
    expect(answered).toBeGreaterThanOrEqual(0);
    expect(fetched).toBeGreaterThan(answered);
  });
});
