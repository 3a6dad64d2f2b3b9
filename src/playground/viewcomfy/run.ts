import type { Clock } from '../../clock.ts';
import type { Behaviour } from './behaviour.ts';
import { encodeEvent, encodePing } from './event-stream.ts';
import { type Line, pause } from './line.ts';
import { fluxLogLines, plainLogLines } from './log-lines.ts';
import { type Order, placeIn } from './parameters.ts';
import { type OutputFile, type ResultFields, resultPieces } from './result.ts';
import { createTape, type Tape } from './tape.ts';

/** What tests look at. */
export interface RunRecord {
  readonly id: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly files: readonly RunRecordFile[];
  /** that was sent to be run in place of the deployed one, as it came */
  readonly workflow: Order['workflow'];
  readonly logs: boolean;
  /** milliseconds since the epoch, on the server's clock */
  readonly receivedAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly outcome: RunOutcome;
}

interface RunRecordFile {
  readonly key: string;
  readonly filename: string;
  readonly mediaType: string;
  /** bytes */
  readonly size: number;
}

type RunOutcome = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';

type Changing<T> = { -readonly [Field in keyof T]: T[Field] };

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Run {
  readonly record: RunRecord;
  readonly behaviour: Behaviour;
  /** the answer's head, once the run has come so far that there is one; never rejects */
  readonly head: Promise<Head>;
  readonly tape: Tape;
  /** what came of it; undefined while it runs, and for a run that is to end without */
  readonly result: ResultFields | undefined;
  /** resolves when the run holds nothing any more; never rejects */
  readonly done: Promise<void>;
  cancel(): void;
}

export interface RunDependencies {
  readonly clock: Clock;
  readonly line: Line;
  readonly runMs: number;
  readonly coldStartMs: number;
  /** of the workflow that was sent, where it says */
  readonly steps: number | undefined;
  /** makes the files; `cold` tells a fresh container, whose file counter starts again */
  readonly draw: (order: Order, cold: boolean, signal: AbortSignal) => Promise<OutputFile[]>;
  /** where files can be fetched from that are not in the result itself; `broken` ones never arrive whole */
  readonly publish: (id: string, file: OutputFile, broken: boolean) => string;
}

/** sse-starlette's interval. */
const PING_MS = 15_000;
const ERROR_TEXT = 'Error occurred when executing SamplerCustomAdvanced:\n\nAllocation on device';

/** Starts a run at once: it waits for its turn by itself. */
export function startRun(id: string, order: Order, behaviour: Behaviour, dependencies: RunDependencies): Run {
  const { clock, line, coldStartMs, draw, publish } = dependencies;
  const runMs = behaviour.runMs ?? dependencies.runMs;
  const lineEnd = behaviour.lineEnd ?? '\r\n';
  const stop = new AbortController();
  const { signal } = stop;
  const tape = createTape();
  const head = Promise.withResolvers<Head>();
  // Data and nothing else: a getter here would keep the run's files in memory for as long as somebody has its record.
  const record: Changing<RunRecord> = {
    id,
    params: order.params,
    files: [...order.files].map(([key, { filename, mediaType, bytes }]) => ({
      key,
      filename,
      mediaType,
      size: bytes.length,
    })),
    workflow: order.workflow,
    logs: order.logs,
    receivedAt: clock.now(),
    startedAt: undefined,
    endedAt: undefined,
    outcome: 'waiting',
  };
  let stopPings: () => void = () => {};
  let result: ResultFields | undefined;

  function ping(): void {
    stopPings = clock.after(PING_MS, () => {
      tape.write(encodePing(clock.now(), lineEnd));
      ping();
    });
  }

  function say(event: string, data: string): void {
    if (order.logs) tape.write(encodeEvent(event, data, lineEnd));
  }

  /** The head of an answer that is no stream is known only at the end. */
  function settleHead(status: number, mediaType: string): void {
    head.resolve({ status, headers: { 'content-type': mediaType } });
  }

  function openStream(): void {
    if (!order.logs) return;
    head.resolve({
      status: 201,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
    ping();
  }

  /** Every line at its time, up to the one after which the run is to end otherwise. */
  async function log(from: number): Promise<void> {
    const lines = order.flux ? fluxLogLines(order.flux) : plainLogLines(dependencies.steps);
    const count = behaviour.ending ? behaviour.afterLines : undefined;
    if (behaviour.extras) say('queue_position', '{"position":0}');
    for (const { at, text } of lines.slice(0, count)) {
      await pause(clock, from + at * runMs - clock.now(), signal);
      say('log_message', text);
    }
    if (count === undefined) await pause(clock, from + runMs - clock.now(), signal);
  }

  function resultOf(status: string, seconds: number, files: readonly OutputFile[] | undefined): ResultFields {
    return {
      promptId: id,
      status,
      seconds,
      prompt: promptOf(order),
      outputs: files?.slice(0, behaviour.outputCount),
      address:
        behaviour.outputs === 'filepath'
          ? (file) => publish(id, file, behaviour.ending === 'cut-in-result')
          : undefined,
      extras: behaviour.extras ? { error_data: null, unheard_of: { list: [1] } } : {},
    };
  }

  function writeResult(fields: ResultFields, files: readonly OutputFile[]): void {
    const pieces = resultPieces(fields);
    if (order.logs) tape.write(`event: prompt_result${lineEnd}data: `);
    const half = files.reduce((sum, file) => sum + file.body.length, 0) / 2;
    let sent = 0;
    for (const piece of pieces) {
      tape.write(piece);
      sent += piece.length;
      if (behaviour.ending === 'cut-in-result' && sent > half) return;
    }
    if (order.logs) tape.write(`${lineEnd}${lineEnd}`);
  }

  /** Ends a run that is not to give its result. Returns how the connection ends, or never. */
  async function endOtherwise(
    ending: Exclude<Behaviour['ending'], undefined | 'cut-in-result'>,
  ): Promise<'whole' | 'cut'> {
    switch (ending) {
      case 'error':
        settleHead(500, 'text/plain; charset=utf-8');
        if (order.logs) say('error', behaviour.errorText ?? ERROR_TEXT);
        else tape.write(behaviour.errorText ?? 'Internal Server Error');
        result = { ...resultOf('error', 0, undefined), extras: { error_data: behaviour.errorText ?? ERROR_TEXT } };
        return 'whole';
      case 'no-result':
        settleHead(201, 'application/json');
        return 'whole';
      case 'cut':
        settleHead(201, 'application/json');
        return 'cut';
      case 'silence':
        stopPings();
        break;
      case 'ping-only':
        break;
    }
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async function perform(): Promise<void> {
    const turn = await line.enter(signal);
    try {
      record.startedAt = clock.now();
      record.outcome = 'running';
      await pause(clock, behaviour.coldStartMs ?? (turn.cold ? coldStartMs : 0), signal);
      openStream();
      const from = clock.now();
      const drawing = draw(order, turn.cold, signal);
      // Awaited below; a failure before that must not count as unhandled.
      drawing.catch(() => {});
      await log(from);
      if (behaviour.ending && behaviour.ending !== 'cut-in-result') {
        const how = await endOtherwise(behaviour.ending);
        record.outcome = 'failed';
        tape.end(how);
        return;
      }
      const files = await drawing;
      signal.throwIfAborted();
      const seconds = (clock.now() - from) / 1000;
      say('log_message', `Prompt executed in ${seconds.toFixed(2)} seconds`);
      settleHead(201, 'application/json');
      const status = behaviour.result === 'error' ? 'error' : 'success';
      result = resultOf(status, seconds, behaviour.result ? undefined : files);
      writeResult(result, files);
      if (behaviour.duplicateResult && order.logs) writeResult(result, files);
      record.outcome = behaviour.ending || behaviour.result === 'error' ? 'failed' : 'succeeded';
      tape.end(behaviour.ending ? 'cut' : 'whole');
    } finally {
      turn.leave();
    }
  }

  async function settle(): Promise<void> {
    try {
      await perform();
    } catch (error) {
      record.outcome = signal.aborted ? 'cancelled' : 'failed';
      settleHead(500, 'text/plain; charset=utf-8');
      if (!signal.aborted) say('error', error instanceof Error ? error.message : 'Unknown error');
      tape.end(signal.aborted ? 'cut' : 'whole');
    } finally {
      record.endedAt = clock.now();
      stopPings();
    }
  }

  return {
    record,
    behaviour,
    head: head.promise,
    tape,
    get result() {
      return result;
    },
    done: settle(),
    cancel: () => stop.abort(new Error('The client hung up.')),
  };
}

/** The parameters as a graph again, as the result carries it. */
function promptOf(order: Order): Record<string, { inputs: Record<string, unknown> }> {
  // Keys come from outside: a map has no prototype that one of them could name.
  const nodes = new Map<string, Map<string, unknown>>();
  const files = [...order.files].map(([key, { filename }]) => [key, filename] as const);
  for (const [key, value] of [...Object.entries(order.params), ...files]) {
    // Of a workflow that is not known, the first reading; whoever has one like that can send it.
    const place = order.workflow ? placeIn(order.workflow, key) : /^(.+?)-inputs-(.+)$/s.exec(key)?.slice(1);
    const [node = key, input = key] = place ?? [];
    const inputs = nodes.get(node) ?? new Map<string, unknown>();
    nodes.set(node, inputs.set(input, value));
  }
  return Object.fromEntries([...nodes].map(([node, inputs]) => [node, { inputs: Object.fromEntries(inputs) }]));
}
