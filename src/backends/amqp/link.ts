import { AMQPError, Connection, type Channel } from 'rabbitmq-client';
import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Patience } from '../patience.ts';
import { atMost, rest } from './rest.ts';

/** One connection to RabbitMQ, which all runs share; it is made when it is needed, and again when it was lost. */
export interface Link {
  /**
   * A channel of the caller's own, who closes it.
   * @throws BackendError `unreachable`, `refused` or `unintelligible`, at once
   */
  channel(): Promise<Channel>;
  /** The same, but a broker that is not there is waited for: `tries` times more, or for as long as the patience lasts. */
  patientChannel(patience: Patience, tries?: number): Promise<Channel>;
  /** How a queue stands; undefined where there is none. */
  inspect(queue: string): Promise<QueueState | undefined>;
  /** Closes a channel after a while, or when the link is closed. */
  closeLater(channel: Channel, ms: number): void;
  close(): Promise<void>;
}

interface QueueState {
  /** messages that nobody has taken yet */
  readonly ready: number;
  readonly consumers: number;
}

export interface LinkOptions {
  /** `amqp:` or `amqps:`, with user, password and virtual host */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** What RabbitMQ says to those that it does not want; it says so again, however often one asks. */
const REFUSALS = new Set(['ACCESS_REFUSED', 'NOT_ALLOWED', 'INVALID_PATH', 'RESOURCE_LOCKED']);
/** What is heard from a server that is no RabbitMQ. */
const STRANGERS = new Set(['VERSION_MISMATCH', 'COMMAND_INVALID', 'FRAME_ERROR', 'UNEXPECTED_FRAME', 'SYNTAX_ERROR']);
const PAUSES_MS = [300, 1000, 2000] as const;
const LONGEST_PAUSE_MS = 5000;
const CONNECT_TIMEOUT_MS = 4000;
/** Channels that do not close in this time are of a broker that is gone. */
const CLOSE_TIMEOUT_MS = 2000;

export function createLink({ url, clock, log }: LinkOptions): Link {
  let current: Promise<Connection> | undefined;
  let closed = false;
  let giveUp = () => {};
  /** closes a channel that was to be closed later */
  const later = new Set<() => void>();

  return { channel, patientChannel, inspect, closeLater, close };

  async function channel(): Promise<Channel> {
    const connection = await (current ??= connect());
    try {
      const channel = await connection.acquire({ emitErrorsFromChannel: true });
      // Whoever uses it hears of its end; an error that nobody listens for would end the process.
      channel.on('error', (error: unknown) => log.debug({ error }, 'RabbitMQ closed a channel'));
      return channel;
    } catch (error) {
      throw connectionError(error);
    }
  }

  async function patientChannel(patience: Patience, tries = Infinity): Promise<Channel> {
    for (let count = 0; ; count += 1) {
      patience.signal.throwIfAborted();
      try {
        return await unlessOver(channel(), patience.signal);
      } catch (error) {
        // Whoever has few tries does not wait for an address that swallows everything.
        const most =
          error instanceof BackendError && error.cause === 'CONNECTION_TIMEOUT' && tries < Infinity ? 0 : tries;
        if (!(error instanceof BackendError) || error.type !== 'unreachable' || count >= most) throw error;
        await rest(clock, PAUSES_MS[count] ?? LONGEST_PAUSE_MS, patience.signal);
      }
    }
  }

  async function inspect(queue: string): Promise<QueueState | undefined> {
    const asking = await channel();
    try {
      const { messageCount, consumerCount } = await asking.queueDeclare({ queue, passive: true });
      return { ready: messageCount, consumers: consumerCount };
    } catch (error) {
      // The question closes the channel where there is no such queue.
      if (codeOf(error) === 'NOT_FOUND') return undefined;
      throw connectionError(error);
    } finally {
      await asking.close();
    }
  }

  function closeLater(channel: Channel, ms: number): void {
    const stop = clock.after(ms, end);
    later.add(end);

    function end(): void {
      stop();
      later.delete(end);
      void channel.close();
    }
  }

  /** The library would connect again by itself, but tells only the first error: a password that was changed is none. */
  async function connect(): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    if (closed) throw connectionError(undefined);
    const connection = new Connection({
      url,
      connectionName: 'troupe',
      connectionTimeout: CONNECT_TIMEOUT_MS,
      acquireTimeout: CONNECT_TIMEOUT_MS,
      // A broker that is silent for twice as long is gone.
      heartbeat: 20,
      frameMax: 128 * 1024,
      noDelay: true,
    });
    giveUp = () => {
      connection.unsafeDestroy();
      reject(connectionError(undefined));
    };
    connection.on('connection', () => {
      giveUp = () => {};
      resolve(connection);
    });
    connection.on('connection.blocked', () => log.warn({}, 'RabbitMQ is short of memory or disk and takes no runs'));
    connection.on('error', (error: unknown) => {
      current = undefined;
      connection.unsafeDestroy();
      reject(connectionError(error));
      if (!closed) log.debug({ error }, 'The connection to RabbitMQ ended');
    });
    return await promise;
  }

  async function close(): Promise<void> {
    closed = true;
    giveUp();
    for (const end of later) end();
    const connection = await current?.catch(() => undefined);
    if (!connection) return;
    await atMost(
      clock,
      CLOSE_TIMEOUT_MS,
      connection.close().catch(() => {}),
    );
    connection.unsafeDestroy();
  }
}

/** Waits for it, and closes it when it comes too late. */
async function unlessOver(coming: Promise<Channel>, signal: AbortSignal): Promise<Channel> {
  const over = Promise.withResolvers<never>();
  const end = () => over.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([coming, over.promise]);
  } catch (error) {
    void coming.then((channel) => channel.close()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The name that RabbitMQ gives an error, such as `NOT_FOUND`, or the network's, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What ended before a run was sent. The library's own words are the cause: they name the user. */
function connectionError(cause: unknown): BackendError {
  const code = codeOf(cause);
  const about = { billed: 'no', cause: code } as const;
  if (REFUSALS.has(code)) {
    const detail = 'RabbitMQ refuses the user, the password or the virtual host.';
    return new BackendError(`RabbitMQ refuses the connection (${code})`, { ...about, type: 'refused', detail });
  }
  if (STRANGERS.has(code) && cause instanceof AMQPError) {
    return new BackendError(`this is no RabbitMQ (${code})`, { ...about, type: 'unintelligible' });
  }
  const message = code === '' ? 'RabbitMQ cannot be reached' : `RabbitMQ cannot be reached (${code})`;
  return new BackendError(message, { ...about, type: 'unreachable', retryable: true });
}
