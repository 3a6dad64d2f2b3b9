import type { IncomingMessage, ServerResponse } from 'node:http';

import { z } from 'zod';

import type { Behaviour } from './behaviour.ts';
import type { Form } from './form.ts';
import { refuse, refuseInput } from './refusal.ts';
import { historyRecord } from './result.ts';
import type { Run } from './run.ts';

/** ViewComfy's own API: it takes runs for a deployment under names that clients give, and is asked how they stand. */
export interface Api {
  has(pathname: string): boolean;
  /** @throws Refusal */
  handle(
    pathname: string,
    searchParams: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void>;
}

export interface ApiOptions {
  /** the deployment that runs are for */
  readonly url: string;
  /** of how many runs the history tells */
  readonly keptRuns: number;
  readonly readForm: (request: IncomingMessage) => Promise<Form>;
  readonly acceptRun: (form: Form, name: () => string, always: Behaviour) => Promise<Run>;
}

const ROOT = '/api/workflow/infer';
const MAX_WISH_BYTES = 10_000;

/** Both spellings, as the two official clients send them. */
const Wish = z.union([
  z.object({ prompt_id: z.string() }).transform(({ prompt_id: promptId }) => promptId),
  z.object({ promptId: z.string() }).transform(({ promptId }) => promptId),
]);

export function createApi({ url, keptRuns, readForm, acceptRun }: ApiOptions): Api {
  const runs = new Map<string, Run>();
  return { has: (pathname) => pathname === ROOT || pathname.startsWith(`${ROOT}/`), handle };

  async function handle(
    pathname: string,
    searchParams: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const route = `${request.method} ${pathname.slice(ROOT.length).replace(/\/$/, '')}`;
    if (route === 'POST ') await take(request, response);
    else if (route === 'GET ') await tell(searchParams.getAll('prompt_ids'), response);
    else if (route === 'POST /cancel') await cancel(request, response);
    else throw refuse(404, 'Not Found');
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await readForm(request);
    const run = await acceptRun(form, () => nameOf(form), { outputs: 'filepath' });
    const { id } = run.record;
    runs.set(id, run);
    const [oldest] = runs.keys();
    if (runs.size > keptRuns && oldest !== undefined) runs.delete(oldest);
    const data = { prompt_id: id, message: 'The workflow is running', workflow: recordOf(run) };
    if (run.behaviour.answerLost) response.destroy();
    else answer(response, 201, { data });
  }

  function nameOf({ fields }: Form): string {
    const names = ['prompt_id', 'view_comfy_api_url'].filter((name) => !fields.get(name));
    if (names.length > 0) {
      throw refuseInput(names.map((name) => ({ type: 'missing', loc: ['body', name], msg: 'Field required' })));
    }
    const id = z.uuid().safeParse(fields.get('prompt_id'));
    if (!id.success || runs.has(id.data)) {
      throw refuseInput([{ type: 'uuid', loc: ['body', 'prompt_id'], msg: 'Input should be a new valid UUID' }]);
    }
    if (fields.get('view_comfy_api_url')?.replace(/\/$/, '') !== url) throw refuse(404, 'Deployment not found');
    return id.data;
  }

  async function tell(ids: readonly string[], response: ServerResponse): Promise<void> {
    if (ids.length === 0) {
      throw refuseInput([{ type: 'missing', loc: ['query', 'prompt_ids'], msg: 'Field required' }]);
    }
    const asked = ids.flatMap((id) => runs.get(id) ?? []);
    // A question about such a run hangs until the client has enough of it.
    if (asked.some(({ behaviour }) => behaviour.ending === 'silence')) return;
    const records = asked.flatMap((run) => {
      const record = recordOf(run);
      return record && run.behaviour.duplicateResult ? [record, record] : (record ?? []);
    });
    answer(response, 200, records);
  }

  async function cancel(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_WISH_BYTES) throw refuse(413, 'Request body is too large.');
    }
    const run = runs.get(readWish(text));
    if (!run) throw refuse(404, 'Workflow not found');
    run.cancel();
    answer(response, 201, { message: 'The workflow was canceled' });
  }
}

function readWish(text: string): string {
  try {
    return Wish.parse(JSON.parse(text));
  } catch (error) {
    throw refuseInput([{ type: 'missing', loc: ['body', 'prompt_id'], msg: 'Field required' }], { cause: error });
  }
}

/** A run that ended without a result has left no record. */
function recordOf({ record, result }: Run): object | undefined {
  if (result) return historyRecord(result);
  const { id, outcome, receivedAt } = record;
  if (outcome === 'failed') return undefined;
  return {
    promptId: id,
    status: outcome,
    completed: outcome === 'cancelled',
    outputs: null,
    errorData: null,
    createdAt: new Date(receivedAt).toISOString(),
  };
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
