import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';

import type { LocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { characterParts, CREDENTIALS, multipart, send, startViewComfy, type Answer } from './client.ts';
import { eventually } from '../eventually.ts';

const Records = z.array(
  z.object({
    promptId: z.string(),
    status: z.string(),
    completed: z.boolean(),
    executionTimeSeconds: z.number().optional(),
    outputs: z
      .array(
        z.object({
          id: z.string(),
          filename: z.string(),
          contentType: z.string(),
          size: z.number(),
          filepath: z.url(),
        }),
      )
      .nullable(),
    errorData: z.unknown(),
  }),
);

/** Has a run taken under this name, for this deployment. */
async function take(viewComfy: LocalViewComfy, promptId: string, url = viewComfy.url): Promise<Answer> {
  const parts = (await characterParts()).filter(({ name }) => name !== 'logs');
  const { body, contentType } = multipart([
    ...parts,
    { name: 'prompt_id', body: promptId },
    { name: 'view_comfy_api_url', body: url },
  ]);
  return send(viewComfy.apiUrl, { method: 'POST', headers: { ...CREDENTIALS, 'content-type': contentType }, body });
}

async function ask(viewComfy: LocalViewComfy, ...promptIds: string[]): Promise<z.infer<typeof Records>> {
  const question = promptIds.map((promptId) => `prompt_ids=${promptId}`).join('&');
  const answer = await send(`${viewComfy.apiUrl}/?${question}`);
  expect(answer.status).toBe(200);
  return Records.parse(JSON.parse(answer.body));
}

function cancel(viewComfy: LocalViewComfy, wish: unknown): Promise<Answer> {
  return send(`${viewComfy.apiUrl}/cancel`, { method: 'POST', body: Buffer.from(JSON.stringify(wish)) });
}

test('a run is taken at once, told of while it waits and runs, and its files are at addresses', async () => {
  const viewComfy = await startViewComfy({ runMs: 2000 });
  const [first, second] = [randomUUID(), randomUUID()];
  const taken = await take(viewComfy, first);
  expect(taken.status).toBe(201);
  expect(JSON.parse(taken.body)).toMatchObject({ data: { prompt_id: first, message: expect.any(String) } });
  await take(viewComfy, second);
  expect(await ask(viewComfy, second, first)).toMatchObject([
    { promptId: second, status: 'waiting', completed: false, outputs: null },
    { promptId: first, status: 'running', completed: false, outputs: null },
  ]);
  await expect.poll(async () => (await ask(viewComfy, first))[0]?.completed).toBe(true);
  const [record] = await ask(viewComfy, first);
  expect(record).toMatchObject({ status: 'success', errorData: null });
  expect(record?.outputs).toHaveLength(15);
  for (const { filepath, size, contentType } of record?.outputs ?? []) {
    const file = await fetch(filepath);
    expect(file.headers.get('content-type')).toBe(contentType);
    expect((await file.bytes()).length).toBe(size);
  }
  expect(await ask(viewComfy, randomUUID())).toEqual([]);
});

test.for(['prompt_id', 'promptId'])(
  'a run is cancelled by a wish with %s, and only one that is known',
  async (field) => {
    const viewComfy = await startViewComfy({ runMs: 60_000 });
    const promptId = randomUUID();
    await take(viewComfy, promptId);
    expect((await cancel(viewComfy, { [field]: randomUUID() })).status).toBe(404);
    expect((await cancel(viewComfy, { [field]: promptId })).status).toBe(201);
    await eventually(() => expect(viewComfy.runs[0]?.outcome).toBe('cancelled'));
    expect(await ask(viewComfy, promptId)).toMatchObject([{ status: 'cancelled', completed: true, outputs: null }]);
    expect((await cancel(viewComfy, {})).status).toBe(422);
  },
);

test('what is wrong with a run is told as by the deployment, and names are taken once', async () => {
  const viewComfy = await startViewComfy();
  const promptId = randomUUID();
  expect((await take(viewComfy, 'not-an-id')).status).toBe(422);
  expect(await take(viewComfy, promptId, 'https://another.example')).toMatchObject({
    status: 404,
    body: '{"detail":"Deployment not found"}',
  });
  expect((await take(viewComfy, promptId)).status).toBe(201);
  expect((await take(viewComfy, promptId)).status).toBe(422);
  const { body, contentType } = multipart(await characterParts());
  const headers = { ...CREDENTIALS, 'content-type': contentType };
  const unnamed = await send(viewComfy.apiUrl, { method: 'POST', headers, body });
  expect(unnamed.status).toBe(422);
  expect(unnamed.body).toMatch(/prompt_id.*view_comfy_api_url/);
  expect(viewComfy.runs).toHaveLength(1);
});

test('nothing is told without the keys, without a question, or at other addresses', async () => {
  const viewComfy = await startViewComfy();
  const statuses = await Promise.all([
    send(`${viewComfy.apiUrl}/?prompt_ids=${randomUUID()}`, { headers: {} }),
    send(`${viewComfy.apiUrl}/`),
    send(`${viewComfy.apiUrl}/other`),
    send(`${viewComfy.apiUrl}x`),
  ]).then((answers) => answers.map(({ status }) => status));
  expect(statuses).toEqual([401, 422, 404, 404]);
});

test('a run can be made to end otherwise', async () => {
  const viewComfy = await startViewComfy({ atOnce: 9 });
  const endings = ['error', 'no-result', 'cut', 'ping-only', 'cut-in-result'] as const;
  const names = endings.map(() => randomUUID());
  for (const [index, ending] of endings.entries()) {
    viewComfy.next({ ending, afterLines: 1, errorText: 'out of memory' });
    await take(viewComfy, names[index] ?? '');
  }
  await eventually(async () =>
    expect((await ask(viewComfy, ...names)).map(({ status }) => status)).toEqual(['error', 'running', 'success']),
  );
  const [failed, , broken] = await ask(viewComfy, ...names);
  expect(failed).toMatchObject({ promptId: names[0], completed: true, outputs: null, errorData: 'out of memory' });
  const file = await send(broken?.outputs?.[0]?.filepath ?? '');
  expect(file.whole).toBe(false);
  viewComfy.next({ answerLost: true });
  await expect(take(viewComfy, randomUUID())).rejects.toThrow('socket hang up');
  expect(viewComfy.runs).toHaveLength(6);
});
