import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkRecording } from '../playground/openapi.ts';
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
        viewcomfy: { atOnce: AT_ONCE, runMs: 100, pictureScale: 0.1 },
      });
      const people = Array.from({ length: 100 }, (_, index) => stage.person(`user${index}`));
      // Every tenth sends three at once: one is to run and two are to wait.
      const calls = people.flatMap((person, index) => Array.from({ length: index % 10 === 0 ? 3 : 1 }, () => person));
      const replies = await Promise.all(
        calls.map(async (person, index) => ({
          person,
          reply: await person.character(`${person.name} wants ${index}`),
        })),
      );
      await Promise.all(
        replies.map(({ person, reply }) =>
          expect
            .poll(async () => (await person.look(reply.id))?.pictures.length, { timeout: 150_000, interval: 500 })
            .toBe(4),
        ),
      );

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
      await checkRecording(stage.recording);
    },
  );
});
