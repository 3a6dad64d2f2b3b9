import type { EventBody, LargeEvent } from './event-stream.ts';

/** Cuts an event stream into lines, and parts the data of the large event from everything else. */
export interface EventLines {
  feed(bytes: Buffer): void;
  /** Nothing follows: what is there counts, also without its line end and its blank line. */
  end(): void;
}

export interface EventLinesOptions<Body extends EventBody> {
  readonly large: LargeEvent<Body>;
  /** everything else, with LF for every line end and `BARE_CR` for a carriage return that is none */
  readonly onText: (bytes: Buffer) => void;
  /** The large event is the last: nothing after it is looked at. */
  readonly onLarge: (body: Body) => void;
}

/** Stands for a carriage return inside an event's data; no JSON and no log holds this control character itself. */
export const BARE_CR = '\x1e';

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const NOTHING = Buffer.alloc(0);
const LF_BYTES = Buffer.from('\n');
const BARE_CR_BYTES = Buffer.from(BARE_CR);
const BYTE_ORDER_MARK = Buffer.from('\u{feff}');
const FIELDS = ['data:', 'event:', 'id:', 'retry:'];
/** as long as what has to be seen of a line to know its field */
const LONGEST_FIELD = 'event:'.length;
/** No event that anybody knows has a longer name. */
const LONGEST_NAME = 100;

/**
 * Line ends are LF, CRLF and CR; but a program that redraws its line writes a bare CR, which is a line end to the letter of
 * the standard, although no field follows. It stays in the data here.
 *
 * The data lines of the large event go to its body, unseen; it is the body that finds their ends. That can only be done if
 * the name came first: after `data:` before `event:` the whole event is text like any other. What cannot be decided yet,
 * six bytes at most, is carried to the next call.
 */
export function createEventLines<Body extends EventBody>(options: EventLinesOptions<Body>): EventLines {
  const { large, onText, onLarge } = options;
  let carried: Buffer = NOTHING;
  let isOver = false;
  let isFirst = true;
  /** where the next byte is: before a line, or in one of this kind */
  let place: 'before' | 'text' | 'name' | 'large' | 'ignored' = 'before';
  /** The last byte was a CR; whether it ended the line is seen from what follows. */
  let isAfterCr = false;
  let isBlank = true;
  let nameLine = '';
  // Of the present event:
  let name = '';
  let hasTextData = false;
  let body: Body | undefined;

  return {
    feed: (bytes) => take(bytes, false),
    end() {
      take(NOTHING, true);
      if (place !== 'before') endLine();
      isBlank = true;
      endLine();
    },
  };

  function take(chunk: Buffer, isLast: boolean): void {
    const bytes = carried.length > 0 ? Buffer.concat([carried, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const next = step(bytes, at, isLast);
      if (next === undefined) break;
      at = next;
    }
    carried = bytes.subarray(at);
  }

  /** Gives the place after what it took, or nothing if it must see more. */
  function step(bytes: Buffer, at: number, isLast: boolean): number | undefined {
    if (isOver) return undefined;
    if (isAfterCr) return settleCr(bytes, at, isLast);
    if (at === bytes.length) return undefined;
    if (place === 'before') return beginLine(bytes, at, isLast);
    return place === 'large' && body ? takeLarge(body, bytes, at) : takeText(bytes, at);
  }

  function settleCr(bytes: Buffer, at: number, isLast: boolean): number | undefined {
    const isLineEnd = at === bytes.length ? (isLast ? true : undefined) : beginsLine(bytes, at);
    if (isLineEnd === undefined && !isLast) return undefined;
    isAfterCr = false;
    if (isLineEnd) {
      endLine();
      return bytes[at] === LF ? at + 1 : at;
    }
    isBlank = false;
    passOn(BARE_CR_BYTES);
    return at;
  }

  function beginLine(bytes: Buffer, at: number, isLast: boolean): number | undefined {
    const start = bytes.toString('latin1', at, at + LONGEST_FIELD);
    if (start.length < LONGEST_FIELD && !isLast && !/[\r\n:]/.test(start)) return undefined;
    if (isFirst) {
      isFirst = false;
      if (bytes.subarray(at, at + 3).equals(BYTE_ORDER_MARK)) return at + 3;
    }
    isBlank = true;
    nameLine = '';
    if (/^data(?:[\r\n:]|$)/.test(start)) {
      if (name === large.name && !hasTextData) {
        isBlank = false;
        body ??= large.open();
        // Without a colon it is an empty line of data: white space, between lines that end anyway.
        place = start[4] === ':' ? 'large' : 'ignored';
        // The one space after the colon does not belong to the data, but JSON does not mind.
        return place === 'large' ? at + 5 : at;
      }
      hasTextData = true;
    }
    place = /^event(?:[\r\n:]|$)/.test(start) ? 'name' : 'text';
    return at;
  }

  function takeLarge(body: Body, bytes: Buffer, at: number): number {
    const next = body.write(bytes, at);
    if (bytes[next - 1] === LF) endLine();
    else isAfterCr = bytes[next - 1] === CR;
    return next;
  }

  function takeText(bytes: Buffer, start: number): number {
    let at = start;
    while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at += 1;
    if (at > start) {
      isBlank = false;
      passOn(bytes.subarray(start, at));
    }
    if (bytes[at] === LF) endLine();
    else isAfterCr = bytes[at] === CR;
    return Math.min(at + 1, bytes.length);
  }

  function endLine(): void {
    if (place === 'name') name = nameLine.replace(/^event:? ?/, '');
    passOn(LF_BYTES);
    if (isBlank) endEvent();
    place = 'before';
  }

  function passOn(text: Buffer): void {
    if (place === 'name') nameLine += text.toString('latin1', 0, LONGEST_NAME - nameLine.length);
    if (place !== 'large' && place !== 'ignored') onText(text);
  }

  function endEvent(): void {
    // The last name counts: what was the large event may have become another, which nobody wants.
    if (body && name === large.name) {
      isOver = true;
      onLarge(body);
    }
    body = undefined;
    name = '';
    hasTextData = false;
  }
}

/** Whether a line begins there, `undefined` if that depends on what follows. */
function beginsLine(bytes: Buffer, at: number): boolean | undefined {
  const byte = bytes[at];
  if (byte === CR || byte === LF || byte === COLON) return true;
  const text = bytes.toString('latin1', at, at + LONGEST_FIELD);
  if (FIELDS.some((field) => text.startsWith(field))) return true;
  return FIELDS.some((field) => field.startsWith(text)) ? undefined : false;
}
