import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Backend, BackendEvent, RunRequest } from './backend.ts';
import { createCleaner, wordsOf, wordsOfText } from './detail.ts';
import { readEvents } from './event-stream.ts';
import { createHttp, type Answer, type Http } from './http.ts';
import { readLog } from './log-lines.ts';
import { createMultipart } from './multipart.ts';
import { createPatience, type Patience } from './patience.ts';
import { checkParameters } from './parameters.ts';
import { createResultHosts } from './result-hosts.ts';
import { ResultOutput, writeResultFiles } from './result-files.ts';

export interface ViewComfyOptions {
  /** what people read: `ViewComfy`, unless it is a stand-in */
  readonly name?: string;
  /** the endpoint as the dashboard shows it; nothing is added to it */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** how long nothing may be heard: 10 minutes, because a cold start is silent for some of them */
  readonly idleTimeoutMs?: number;
  /** how long a run may take in all: 40 minutes, as ViewComfy's own clients have it */
  readonly totalTimeoutMs?: number;
  /** of all result files of a run together: 128 MiB, eight times what the character workflow gives */
  readonly maxResultBytes?: number;
  /** where result files may be fetched from, besides the site of `url`: `*.amazonaws.com` */
  readonly resultHosts?: readonly string[];
}

export interface ViewComfyDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

const MINUTE = 60_000;
const MIB = 1024 * 1024;
/** What a result has besides its files: the prompt, which is the whole workflow. */
const RESULT_EXTRA_BYTES = 8 * MIB;

const Result = z.object({
  status: z.string().nullish(),
  completed: z.boolean().nullish(),
  execution_time_seconds: z.number().nullish(),
  outputs: z.array(ResultOutput).nullish(),
  error_data: z.unknown().optional(),
});
type Result = z.infer<typeof Result>;

/**
 * ViewComfy's first generation, streaming: one POST that is answered by an event stream of logs and, at its end, one
 * result with the files inside. A run cannot be found again, and nothing tells ViewComfy to stop but hanging up.
 */
export function createViewComfy(options: ViewComfyOptions, { clock, log }: ViewComfyDependencies): Backend {
  const { clientId, clientSecret, idleTimeoutMs = 10 * MINUTE, totalTimeoutMs = 40 * MINUTE } = options;
  const { maxResultBytes = 128 * MIB } = options;
  const { url, headers, secrets } = addressOf(options);
  const clean = createCleaner([clientSecret, clientId, ...secrets]);
  const resultHosts = createResultHosts(url, options.resultHosts ?? ['*.amazonaws.com']);
  const maxAnswerBytes = Math.ceil((maxResultBytes * 4) / 3) + RESULT_EXTRA_BYTES;
  const waits = new Set<Patience>();
  let closed = false;

  return {
    name: options.name ?? 'ViewComfy',
    capabilities: { progress: true, preview: false, cancel: false, resume: false },
    run,
    async close() {
      closed = true;
      for (const patience of waits) patience.end(new BackendError('the bot is closing', { type: 'cancelled' }));
    },
  };

  async function* run(request: RunRequest): AsyncGenerator<BackendEvent> {
    if (closed) throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
    checkParameters(request.parameters);
    const patience = createPatience({ clock, idleTimeoutMs, totalTimeoutMs, signal: request.signal });
    const http = createHttp({ name: 'ViewComfy', clock, patience, clean });
    waits.add(patience);
    try {
      const fields = { params: JSON.stringify(request.parameters), logs: 'true' };
      const form = await createMultipart({ files: request.files, fields });
      const answer = await http.post(url, headers, form);
      const result = yield* readAnswer(answer);
      const files = await writeResultFiles(outputsOf(result), {
        folder: request.folder,
        maxBytes: maxResultBytes,
        download: (address) => download(address, http),
        signal: patience.signal,
      });
      log.debug({ files: files.length, seconds: result.execution_time_seconds }, 'ViewComfy gave its result');
      yield* files;
    } finally {
      patience.end(new BackendError('the run was left', { type: 'cancelled' }));
      waits.delete(patience);
    }
  }

  async function* readAnswer(answer: Answer): AsyncGenerator<BackendEvent, Result> {
    if (answer.contentType === 'text/event-stream') return yield* readStream(answer);
    if (/[/+]json$/.test(answer.contentType)) return parseResult(await readWhole(answer));
    throw new BackendError(`an answer of type ${answer.contentType || 'none'} is not ViewComfy's`, {
      type: 'unintelligible',
    });
  }

  /** Ends with the result, without waiting for the server to close. */
  async function* readStream({ body }: Answer): AsyncGenerator<BackendEvent, Result> {
    let lastError: string | undefined;
    try {
      for await (const { event, data } of readEvents(body, maxAnswerBytes)) {
        if (event === 'prompt_result') return parseResult(data);
        if (event === 'log_message') yield* readLog(data);
        else if (event === 'error') lastError = clean(wordsOfText(data) ?? data) ?? lastError;
        else log.debug({ event }, 'an event that is not known was ignored');
      }
    } catch (error) {
      const isCut = error instanceof BackendError && error.type === 'cut';
      if (!isCut || lastError === undefined) throw error;
    }
    if (lastError === undefined) throw new BackendError('the stream ended without a result', { type: 'cut' });
    throw new BackendError('the stream ended with an error', { type: 'failed', detail: lastError });
  }

  async function readWhole({ body }: Answer): Promise<string> {
    const chunks: Buffer[] = [];
    let left = maxAnswerBytes;
    for await (const chunk of body) {
      left -= chunk.length;
      if (left < 0) throw new BackendError(`an answer of more than ${maxAnswerBytes} bytes`, { type: 'too-large' });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  function outputsOf({ status, completed, outputs, error_data: errorData }: Result): ResultOutput[] {
    const detail = clean(wordsOf(errorData) ?? '');
    const about = { type: 'failed', ...(detail !== undefined && { detail }) } as const;
    if (completed === false || /error|fail|cancel/i.test(status ?? '')) {
      throw new BackendError(`the run ended with status ${clean(status ?? '') ?? 'none'}`, about);
    }
    if (outputs && outputs.length > 0) return outputs;
    throw new BackendError('the run gave no files', { detail: 'no files', ...about });
  }

  async function download(address: string, http: Http): Promise<AsyncIterable<Buffer>> {
    const target = URL.parse(address);
    if (!target) throw new BackendError('a result file without a usable address', { type: 'unintelligible' });
    const { body } = await http.get(target, resultHosts);
    return body;
  }
}

/** A result line that does not parse is one that the end of the stream has cut, or is not ViewComfy's. */
function parseResult(text: string): Result {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BackendError('a result that is not whole', { type: 'cut', cause });
  }
  const result = Result.safeParse(json);
  if (result.success) return result.data;
  throw new BackendError('a result of another shape', { type: 'unintelligible', cause: result.error });
}

/** Credentials in an address are sent as what they are, and are secrets. */
function addressOf({ url: address, clientId, clientSecret }: ViewComfyOptions) {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return {
    url,
    headers: {
      client_id: clientId,
      client_secret: clientSecret,
      ...(username !== '' && { authorization: `Basic ${basic}` }),
    },
    secrets: username === '' ? [] : [username, password, basic],
  };
}
