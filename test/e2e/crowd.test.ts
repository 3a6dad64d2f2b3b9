import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;

afterEach(() => stage.close());

const AT_ONCE = 4;

const Line = z.object({ method: z.string(), route: z.string(), status: z.number().nullable() });

async function readRecording(path: string) {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => Line.parse(JSON.parse(line)));
}

describe('a hundred users at once', () => {
  it(
    'are all answered within 3 s and all served, within the limits of each and of the backend',
    { timeout: 180_000 },
    async () => {
      stage = await openStage({
        limits: { runningAtOnce: AT_ONCE },
        viewcomfy: { atOnce: AT_ONCE, runMs: 100, drawing: 'flat' },
        // Discord, ViewComfy and the crowd are in this process as well.
        patience: { firstAnswerMs: 2900 },
      });
      const people = Array.from({ length: 100 }, (_, index) => stage.person(`user${index}`));
      // Every tenth sends three at once: one is to run and two are to wait.
      const calls = people.flatMap((person, index) => Array.from({ length: index % 10 === 0 ? 3 : 1 }, () => person));
      // Small, and asked about seldom: the bot shares its process with the crowd.
      const { bytes } = await PORTRAIT;
      const character = { name: 'me.png', bytes: Uint8Array.from(await sharp(bytes).resize(192).png().toBuffer()) };
      const interactions = await Promise.all(
        calls.map((person, index) => person.call('character', { prompt: `${person.name} wants ${index}`, character })),
      );
      const replies = await Promise.all(
        interactions.map(async (interaction, index) => {
          const person = calls[index] ?? stage.person('user0');
          const answered = () => person.interaction(interaction).then(({ state }) => state !== 'pending');
          await expect.poll(answered, { timeout: 10_000, interval: 500 }).toBe(true);
          const { message: id = '', answeredAfterMs } = await person.interaction(interaction);
          return { id, answeredAfterMs };
        }),
      );
      expect(Math.max(...replies.map(({ answeredAfterMs }) => answeredAfterMs ?? Infinity))).toBeLessThan(3000);
      // Everything is public, so one of them sees how far all have come.
      const observer = stage.person('user0');
      const expected = new Set(replies.map(({ id }) => id));
      await expect
        .poll(
          async () => {
            const seen = await observer.messages();
            return seen.filter(({ id, pictures }) => expected.has(id) && pictures.length === 4).length;
          },
          { timeout: 150_000, interval: 1000 },
        )
        .toBe(calls.length);

      const { runs, mostAtOnce } = stage.viewcomfy;
      expect(runs).toHaveLength(calls.length);
      expect(mostAtOnce).toBeLessThanOrEqual(AT_ONCE);
      expect(mostAtOnce).toBeGreaterThan(1);
      const prompts = runs.map(({ params }) => String(params['594-inputs-string']));
      expect(new Set(prompts).size).toBe(calls.length);
      for (const person of people) {
        const own = runs.filter((_, index) => prompts[index]?.startsWith(`${person.name} `));
        const inOrder = own.toSorted((a, b) => (a.receivedAt ?? 0) - (b.receivedAt ?? 0));
        for (const [index, run] of inOrder.entries()) {
          expect(run.receivedAt).toBeGreaterThanOrEqual(inOrder[index - 1]?.endedAt ?? 0);
        }
      }

      const recording = await readRecording(stage.recording);
      expect(recording.filter(({ status }) => status === 429)).toEqual([]);
      expect(recording.filter(({ status }) => status === null || status >= 400)).toEqual([]);
    },
  );
});
