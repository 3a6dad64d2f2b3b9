/** A tuple; lists are arrays. */
interface Tuple {
  readonly [TUPLE]: readonly unknown[];
}

/** A class or function, or what it gives, with the state that it gets afterwards. */
interface Call {
  readonly [NAME]: readonly [module: string, name: string];
  readonly args?: readonly unknown[];
  readonly state?: unknown;
}

const TUPLE = Symbol('tuple');
const NAME = Symbol('name');

export function tuple(...items: readonly unknown[]): Tuple {
  return { [TUPLE]: items };
}

export function named(module: string, name: string): Call {
  return { [NAME]: [module, name] };
}

/** What Python makes by calling the name with the arguments, and then giving it the state. */
export function call(module: string, name: string, args: readonly unknown[], state?: unknown): Call {
  return { [NAME]: [module, name], args, ...(state !== undefined && { state }) };
}

/** Pickles as Python's protocol 4 does, without its frames and without remembering what was there before. */
export function writePickle(value: unknown): Buffer {
  const parts: Buffer[] = [Buffer.of(0x80, 4)];
  write(value);
  parts.push(Buffer.from('.'));
  return Buffer.concat(parts);

  function write(value: unknown): void {
    if (value === null || value === undefined) code('N');
    else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0x88 : 0x89));
    else if (typeof value === 'number') writeNumber(value);
    else if (typeof value === 'string') writeBytes('X', Buffer.from(value));
    else if (value instanceof Uint8Array) writeBytes('B', value);
    else if (Array.isArray(value)) writeMany(']', value, 'e');
    else if (isTuple(value)) writeMany('', value[TUPLE], 't');
    else if (isCall(value)) writeCall(value);
    else writeMany('}', Object.entries(Object(value)).flat(), 'u');
  }

  function code(text: string): void {
    parts.push(Buffer.from(text, 'latin1'));
  }

  function writeNumber(value: number): void {
    const whole = Number.isInteger(value) && Math.abs(value) < 2 ** 31 && !Object.is(value, -0);
    const bytes = Buffer.alloc(whole ? 5 : 9);
    bytes[0] = (whole ? 'J' : 'G').charCodeAt(0);
    if (whole) bytes.writeInt32LE(value, 1);
    else bytes.writeDoubleBE(value, 1);
    parts.push(bytes);
  }

  function writeBytes(kind: 'X' | 'B', bytes: Uint8Array): void {
    const head = Buffer.alloc(5);
    head[0] = kind.charCodeAt(0);
    head.writeUInt32LE(bytes.length, 1);
    parts.push(head, Buffer.from(bytes));
  }

  function writeMany(begin: string, items: readonly unknown[], end: string): void {
    code(`${begin}(`);
    for (const item of items) write(item);
    code(end);
  }

  function writeCall({ [NAME]: [module, name], args, state }: Call): void {
    write(module);
    write(name);
    parts.push(Buffer.of(0x93));
    if (args === undefined) return;
    writeMany('', args, 't');
    code('R');
    if (state === undefined) return;
    write(state);
    code('b');
  }
}

function isTuple(value: unknown): value is Tuple {
  return typeof value === 'object' && value !== null && TUPLE in value;
}

function isCall(value: unknown): value is Call {
  return typeof value === 'object' && value !== null && NAME in value;
}
