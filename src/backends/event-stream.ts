import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { BackendError } from '../errors.ts';

/** Stands for a carriage return inside an event's data; no JSON and no log holds this control character itself. */
const INNER_CR = '\x1e';
/** A program that redraws its line writes a bare CR, which is a line end to the letter of the standard, but no field follows. */
const BARE_CR = /\r(?![\r\n:]|$|data:|event:|id:|retry:)/g;
/** as long as what has to be seen after a CR */
const LOOK_AHEAD = 'event:'.length;

/**
 * Reads server-sent events, linear in their size. Bare carriage returns stay in the data, and an event that the end of
 * the stream cuts off before its blank line still counts. `maxEventBytes` bounds what one event may hold in memory.
 */
export async function* readEvents(
  body: AsyncIterable<Buffer>,
  maxEventBytes: number,
): AsyncGenerator<EventSourceMessage> {
  let events: EventSourceMessage[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: maxEventBytes,
    onEvent: (event) => events.push({ ...event, data: event.data.replaceAll(INNER_CR, '\r') }),
    onError(error) {
      tooLarge ||= error.type === 'max-buffer-size-exceeded';
    },
  });
  const decoder = new TextDecoder();
  let carried = '';

  for await (const chunk of body) yield* feed(decoder.decode(chunk, { stream: true }), false);
  yield* feed(`${decoder.decode()}\n\n`, true);

  function feed(text: string, last: boolean): EventSourceMessage[] {
    const whole = carried + text;
    const lastCr = whole.lastIndexOf('\r');
    const end = lastCr >= 0 && whole.length - lastCr <= LOOK_AHEAD && !last ? lastCr : whole.length;
    carried = whole.slice(end);
    events = [];
    parser.feed(whole.slice(0, end).replace(BARE_CR, INNER_CR));
    if (tooLarge) throw new BackendError(`an event of more than ${maxEventBytes} bytes`, { type: 'too-large' });
    return events;
  }
}
