import type { IncomingMessage } from 'node:http';
import { Refusal } from '../viewcomfy/refusal.ts';
import type { Engine } from './engine.ts';
import type { Entry } from './run.ts';
import type { LocalComfyUIOptions } from './server.ts';

type Flavour = NonNullable<LocalComfyUIOptions['flavour']>;

/** What `/queue` answers: each prompt whole, the pending ones as the heap has them, which is not their order. */
export function queueOf({ running, waiting }: Engine, flavour: Flavour): object {
  const items = (entries: readonly Entry[]) => entries.map((entry) => itemOf(entry, flavour));
  // With workers nobody knows which of them has begun.
  if (flavour === 'fork-with-workers') return { queue_running: [], queue_pending: items([...running, ...waiting]) };
  return { queue_running: items(running), queue_pending: items(waiting.toReversed()) };
}

function itemOf({ number, id, graph, extra, client, outputs, receivedAt }: Entry, flavour: Flavour): object {
  const prompt = Object.fromEntries(graph);
  const data = { ...extra, ...(client !== undefined && { client_id: client }), create_time: receivedAt };
  if (flavour !== 'fork') return [number, id, prompt, data, outputs];
  return { priority: number, prompt_id: id, prompt, extra_data: data, outputs_to_execute: outputs };
}

/**
 * What `/history` answers, of one run or of all.
 * @returns JSON as Python writes it
 */
export function historyOf({ finished }: Engine, id: string | undefined, flavour: Flavour): string {
  const known = id === undefined ? undefined : finished.get(id);
  // The fork's frontend gives everything for an id that it does not know.
  const all = id === undefined || (!known && flavour === 'fork-with-workers');
  const shown = known ? [known] : all ? [...finished.values()] : [];
  const entries = shown.map(({ entry, result: { outputs, status, messages } }) => {
    const record = {
      prompt: itemOf(entry, 'comfyui'),
      outputs,
      status: {
        status_str: status,
        completed: status === 'success',
        messages: flavour === 'comfyui' ? messages : messages.map(asText),
      },
      meta: {},
      ...(entry.behaviour.foreign && { loudness: 'NaN here' }),
    };
    return [entry.id, record] as const;
  });
  return JSON.stringify(Object.fromEntries(entries)).replaceAll('"NaN here"', 'NaN');
}

/** The fork keeps words alone. */
function asText([name, data]: readonly [string, Readonly<Record<string, unknown>>]): string {
  const text = data['exception_message'];
  return typeof text === 'string' ? `${name}: ${text.trim()}` : name;
}

/** aiohttp's own answers are text. */
export function plain(status: number, body: string): Refusal {
  return new Refusal(status, body, { 'content-type': 'text/plain; charset=utf-8' });
}

/** @throws Refusal 413 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > maxBytes) {
      throw plain(413, `Maximum request body size ${maxBytes} exceeded, actual body size ${size}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
