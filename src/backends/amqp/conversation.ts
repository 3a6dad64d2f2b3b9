import { setImmediate } from 'node:timers/promises';
import type { AsyncMessage, Channel } from 'rabbitmq-client';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import type { Patience } from '../patience.ts';
import { createInbox } from './inbox.ts';
import { codeOf, type Link } from './link.ts';

/** What is heard about one run. */
export type Heard =
  /** the worker's answer, or what stands for one: nobody has looked at it yet */
  | { readonly type: 'reply'; readonly kind: 'result' | 'error'; readonly body: unknown }
  /** `done` is to be called when it was looked at: no more than a few of them are on their way */
  | { readonly type: 'progress'; readonly body: unknown; readonly done: () => void }
  /** RabbitMQ has the run */
  | { readonly type: 'taken' }
  /** there is no queue, so RabbitMQ gave it back */
  | { readonly type: 'returned' }
  /** RabbitMQ takes nothing now, or nothing of this size */
  | { readonly type: 'rejected'; readonly tooLarge: boolean }
  /** it waited for too long, or its queue was removed: RabbitMQ gave it back */
  | { readonly type: 'dead'; readonly expired: boolean }
  /** the connection is gone */
  | { readonly type: 'lost' }
  /** it is time to look how the queue stands */
  | { readonly type: 'look' }
  /** nothing has come since the broker forgot the run */
  | { readonly type: 'forgotten' };

/** One run's own queues, and what is said through them. */
export interface Conversation {
  /**
   * Makes the queues. With `known`, the queue of the reply must be there already; false where it is not.
   * @param tries to reach the broker, after the first: as many as there is time for
   */
  open(known: boolean, tries?: number): Promise<boolean>;
  /** Sends the run, once; what becomes of it is heard. */
  publish(prompt: Workflow): void;
  next(): Promise<Heard>;
  /** Puts something among what is heard. */
  tell(heard: Heard): void;
  /** The queues are removed, or left for whoever comes back for the reply. */
  end(remove: boolean): Promise<void>;
}

export interface ConversationOptions {
  readonly link: Link;
  readonly patience: Patience;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** the workers' queue */
  readonly queue: string;
  /** of the run: the prompt's, and by it all its queues are found again */
  readonly id: string;
  /** how long the run may wait for a worker, milliseconds */
  readonly waitMs: number;
}

/** Where JsonRPC's dead letters go. It is made by whoever comes first, all in the same way. */
const DEAD_LETTERS = 'rpc.dlx';
/** How long a reply is kept for a bot that is away: as long as a night. */
const REPLY_KEPT_MS = 24 * 60 * 60 * 1000;
/** Messages of each queue on their way to us at once. Each may be as large as the broker lets it: 128 MiB, or 16 since RabbitMQ 4. */
const PREFETCH = 4;
/** How long a worker's messages may take that were told before its reply, and those that it tells afterwards. */
const LAST_MESSAGES_MS = 10_000;
/** A second try is for the exchange that its last user took along when he left. */
const BIND_TRIES = 3;

/**
 * One run's conversation with the workers of ComfyUI's distributed fork: `aio_pika.patterns.JsonRPC`, which is a
 * message to the workers' queue with the name of ours for the reply.
 *
 * The reply's queue is named after the run, is nobody's in particular and outlives its reader, unlike the exclusive one
 * that the fork's own clients use: workers do not care. So the reply waits for a bot that is being restarted, and a lost
 * connection loses nothing. As it is not durable, its absence tells that the broker itself was restarted.
 */
export function createConversation(options: ConversationOptions): Conversation {
  const { link, patience, log, queue, id, waitMs } = options;
  const replies = `troupe.${id}.reply`;
  // Who asks is known to workers by a token, whose name for the user they use for nothing but this queue's.
  const progress = `${queue}.${id}.progress`;
  const inbox = createInbox<Heard>(patience);
  let channel: Channel | undefined;
  let over = false;
  /** answers the messages of progress that nobody has looked at */
  const waiting = new Set<() => void>();

  return { open, publish, next: inbox.next, tell: inbox.put, end };

  async function open(known: boolean, tries?: number): Promise<boolean> {
    const fresh = await link.patientChannel(patience, tries);
    try {
      await declare(fresh, known);
    } catch (error) {
      await fresh.close();
      if (codeOf(error) === 'NOT_FOUND') return false;
      throw brokerError(error);
    }
    channel = fresh;
    const lose = () => {
      if (channel === fresh && !over) inbox.put({ type: 'lost' });
    };
    if (!fresh.active) lose();
    fresh.once('close', lose);
    // Somebody has removed a queue. We do so ourselves at the end.
    fresh.on('basic.cancel', () => {
      if (!over) void fresh.close();
    });
    return true;
  }

  async function declare(fresh: Channel, known: boolean): Promise<void> {
    await fresh.queueDeclare({
      queue: replies,
      ...(known ? { passive: true } : { arguments: { 'x-expires': REPLY_KEPT_MS } }),
    });
    await fresh.queueDeclare({
      queue: progress,
      // Previews are large: they are for whoever looks, and nobody keeps them.
      autoDelete: true,
      arguments: { 'x-dead-letter-exchange': DEAD_LETTERS },
    });
    await bindDeadLetters();
    await fresh.basicQos({ prefetchCount: PREFETCH });
    await fresh.confirmSelect();
    fresh.on('basic.return', ({ correlationId }) => {
      if (correlationId === id) inbox.put({ type: 'returned' });
    });
    await fresh.basicConsume({ queue: progress, noAck: false }, (message) => hearProgress(fresh, message));
    await fresh.basicConsume({ queue: replies, noAck: false }, (message) => hearReply(fresh, message));
  }

  /** So that a run which nobody took in time comes back. It goes without: then it ends when the patience does. */
  async function bindDeadLetters(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const binding = await link.channel();
      try {
        await binding.exchangeDeclare({ exchange: DEAD_LETTERS, type: 'headers', autoDelete: true });
        await binding.queueBind({
          queue: replies,
          exchange: DEAD_LETTERS,
          arguments: { From: replies, 'x-match': 'any' },
        });
        return;
      } catch (error) {
        if (codeOf(error) === 'NOT_FOUND' && tries < BIND_TRIES) continue;
        log.warn({ error }, 'RabbitMQ gives no dead letters');
        return;
      } finally {
        await binding.close();
      }
    }
  }

  function hearReply(from: Channel, message: AsyncMessage): void {
    const { correlationId, type, exchange } = message;
    const mine = correlationId === id;
    if (mine && type === 'call' && exchange === DEAD_LETTERS) {
      inbox.put({ type: 'dead', expired: message.headers?.['x-first-death-reason'] === 'expired' });
    } else if (mine && (type === 'result' || type === 'error')) {
      // Not acknowledged: it is there again for whoever comes after us, until the queue is removed.
      inbox.put({ type: 'reply', kind: type, body: message.body });
      return;
    } else {
      log.debug({ type }, 'A message that is no reply to this run');
    }
    acknowledge(from, message);
  }

  function hearProgress(from: Channel, message: AsyncMessage): void {
    const { body, replyTo, correlationId } = message;
    if (over) return done();
    waiting.add(done);
    inbox.put({ type: 'progress', body, done });

    function done(): void {
      waiting.delete(done);
      acknowledge(from, message);
      // The worker keeps every message in mind until it is answered. Whoever may write here must not have us write to
      // any other queue: aio_pika names its own so.
      if (!from.active || correlationId === undefined || !/^amq[._]/.test(replyTo ?? '')) return;
      from
        .basicPublish({ routingKey: replyTo ?? '', correlationId, type: 'result' }, null)
        .catch((error: unknown) => log.debug({ error }, 'A message of progress was not answered'));
    }
  }

  function acknowledge(from: Channel, { deliveryTag }: AsyncMessage): void {
    if (from.active) from.basicAck({ deliveryTag });
  }

  function publish(prompt: Workflow): void {
    const none = { alg: 'none', typ: 'JWT' };
    const token = [none, { sub: id }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const envelope = {
      routingKey: queue,
      mandatory: true,
      type: 'call',
      correlationId: id,
      replyTo: replies,
      priority: 5,
      expiration: String(Math.max(1, Math.round(waitMs))),
      headers: { From: replies },
    };
    const body = { request: { prompt_id: id, user_token: `${token.join('.')}.`, prompt } };
    void send(envelope, body);
  }

  async function send(envelope: Parameters<Channel['basicPublish']>[0], body: object): Promise<void> {
    try {
      await channel?.basicPublish(envelope, body);
      // What was given back is confirmed as well, and told a little later.
      await setImmediate();
      await setImmediate();
      inbox.put({ type: 'taken' });
    } catch (error) {
      const code = codeOf(error);
      if (code === 'NACK' || code === 'PRECONDITION_FAILED') {
        inbox.put({ type: 'rejected', tooLarge: code === 'PRECONDITION_FAILED' });
      }
      // Whether it came through nobody knows: that the connection is lost is told by its channel.
      else log.debug({ error }, 'RabbitMQ did not confirm a run');
    }
  }

  async function end(remove: boolean): Promise<void> {
    over = true;
    if (!channel?.active) return;
    if (!remove) return await channel.close();
    await channel.queueDelete({ queue: replies }).catch(() => {});
    // The queue of progress goes with its only consumer. The last messages come after the reply, and want an answer too.
    for (const done of waiting) done();
    link.closeLater(channel, LAST_MESSAGES_MS);
  }
}

function brokerError(cause: unknown): BackendError {
  if (cause instanceof BackendError) return cause;
  const code = codeOf(cause);
  if (code === 'ACCESS_REFUSED') {
    const detail = 'RabbitMQ does not let the bot make its queues: they are named troupe.* and *.progress.';
    return new BackendError('RabbitMQ refuses a queue', { type: 'refused', billed: 'no', detail, cause: code });
  }
  const message = `RabbitMQ made no queues (${code})`;
  return new BackendError(message, { type: 'unreachable', billed: 'no', retryable: true, cause: code });
}
