import { createParser } from 'eventsource-parser';
import { BackendError } from '../errors.ts';
import { BARE_CR, createEventLines } from './event-lines.ts';

/**
 * Takes the data of one event while it comes: bytes from `start` on, as far as it likes, but not beyond a line end. Gives
 * the place after the last byte taken. Line ends between data lines are part of what it takes.
 */
export interface EventBody {
  write(bytes: Buffer, start: number): number;
}

/** The event whose data is not gathered, because it may be larger than memory. With it the stream has said all. */
export interface LargeEvent<Body extends EventBody> {
  readonly name: string;
  readonly open: () => Body;
  /** something to wait for before more is read */
  readonly room: () => Promise<void> | undefined;
}

export interface EventStreamOptions<Body extends EventBody> {
  /** what any other event may hold in memory */
  readonly maxEventBytes: number;
  readonly large: LargeEvent<Body>;
}

export interface StreamEvent<Body extends EventBody> {
  readonly event: string | undefined;
  readonly data: string;
  /** of the large event, which has all its data in here */
  readonly body?: Body;
}

/** Fed at once before looking whether there is room, and before anybody else has a turn. */
const PIECE = 256 * 1024;

/**
 * Reads server-sent events, linear in their size, up to and with the large one. Bare carriage returns stay in the data, and an event that the end of
 * the stream cuts off before its blank line still counts.
 */
export async function* readEvents<Body extends EventBody>(
  chunks: AsyncIterable<Buffer>,
  { maxEventBytes, large }: EventStreamOptions<Body>,
): AsyncGenerator<StreamEvent<Body>> {
  let events: StreamEvent<Body>[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: maxEventBytes,
    onEvent: ({ event, data }) => events.push({ event, data: data.replaceAll(BARE_CR, '\r') }),
    onError(error) {
      tooLarge ||= error.type === 'max-buffer-size-exceeded';
    },
  });
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const lines = createEventLines({
    large,
    onText(bytes) {
      parser.feed(decoder.decode(bytes, { stream: true }));
      if (tooLarge) throw new BackendError(`an event of more than ${maxEventBytes} bytes`, { type: 'too-large' });
    },
    onLarge: (body) => events.push({ event: large.name, data: '', body }),
  });

  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      lines.feed(chunk.subarray(at, at + PIECE));
      if (events.length > 0 && (yield* takeEvents())) return;
      const room = large.room();
      if (room) await room;
    }
  }
  lines.end();
  yield* takeEvents();

  /** Gives whether the large event was among them. */
  async function* takeEvents(): AsyncGenerator<StreamEvent<Body>, boolean> {
    const taken = events;
    events = [];
    for (const event of taken) {
      if (event.event === large.name) {
        // Without a body its data came before its name, so that it was gathered like any other.
        yield event.body ? event : { ...event, data: '', body: await bodyOf(event.data) };
        return true;
      }
      yield event;
    }
    return false;
  }

  async function bodyOf(data: string): Promise<Body> {
    const body = large.open();
    const bytes = Buffer.from(data);
    for (let at = 0; at < bytes.length;) {
      at = body.write(bytes.subarray(0, at + PIECE), at);
      await large.room();
    }
    return body;
  }
}
