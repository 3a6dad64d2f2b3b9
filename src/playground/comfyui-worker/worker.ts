import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Connection, ConsumerStatus, type AsyncMessage } from 'rabbitmq-client';
import { z } from 'zod';
import type { WorkerBehaviour } from './behaviour.ts';
import type { ProgressMessage } from './messages.ts';
import { performRun } from './run.ts';

/**
 * Stands for a worker of ComfyUI's hiddenswitch fork: takes runs out of a queue of a real RabbitMQ, one at a time, tells
 * its progress in pickles and answers as `aio_pika.patterns.JsonRPC` does, with pictures in a folder.
 */
export interface LocalWorker {
  /** every run that it took, oldest first */
  readonly runs: readonly WorkerRun[];
  /** messages of progress that nobody has answered; the real worker keeps them all in mind */
  readonly unanswered: number;
  /** The run after those that were spoken of before behaves so. */
  next(behaviour: WorkerBehaviour): void;
  /** Sends itself a run of somebody else's, which takes so long and is not among `runs`. */
  beBusy(ms: number): Promise<void>;
  close(): Promise<void>;
}

interface WorkerRun {
  readonly promptId: string;
  readonly redelivered: boolean;
  readonly state: 'running' | 'ended';
}

export interface LocalWorkerOptions {
  readonly url: string;
  readonly queue?: string;
  readonly outputDir: string;
  readonly inputDir: string;
  readonly behaviours?: readonly WorkerBehaviour[];
  /** awaited when a run has ended, before it is answered */
  readonly beforeReply?: () => Promise<void>;
  /** A run was taken, or has ended; or one more step was told. */
  readonly onChange?: (what: 'taken' | 'told' | 'ended') => void;
}

const Request = z.object({
  request: z.object({
    prompt_id: z.string(),
    user_token: z.string(),
    prompt: z.record(z.string(), z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) })),
  }),
});
const Claims = z.object({ sub: z.string() });

/** Resolves when the worker's queue is there. */
export async function createLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const { url, queue = 'comfyui', outputDir, inputDir, onChange = () => {} } = options;
  const behaviours = [...(options.behaviours ?? [])];
  const runs: WorkerRun[] = [];
  const unanswered = new Set<string>();
  const closing = new AbortController();
  // As aio_pika names it.
  const own = `amq_0x${randomBytes(16).toString('hex')}`;
  const others = new Map<string, number>();
  const connection = new Connection({ url, retryLow: 100, retryHigh: 500 });
  connection.on('error', () => {});
  const publisher = connection.createPublisher({ confirm: true, maxAttempts: 20 });
  const answers = connection.createConsumer(
    { queue: own, queueOptions: { exclusive: true, autoDelete: true } },
    ({ correlationId = '' }) => void unanswered.delete(correlationId),
  );
  const deadLetters = { 'x-dead-letter-exchange': 'rpc.dlx' };
  const calls = connection.createConsumer(
    {
      queue,
      queueOptions: { arguments: deadLetters },
      exchanges: [{ exchange: 'rpc.dlx', type: 'headers', autoDelete: true }],
      qos: { prefetchCount: 1 },
    },
    take,
  );
  for (const consumer of [answers, calls]) consumer.on('error', () => {});
  await Promise.all([answers, calls].map((consumer) => once(consumer, 'ready')));

  return {
    runs,
    get unanswered() {
      return unanswered.size;
    },
    next: (behaviour) => behaviours.push(behaviour),
    beBusy,
    async close() {
      closing.abort();
      await Promise.all([calls.close(), answers.close()]);
      await publisher.close();
      await connection.close();
    },
  };

  async function beBusy(ms: number): Promise<void> {
    const correlationId = randomUUID();
    others.set(correlationId, ms);
    await publisher.send({ routingKey: queue, correlationId, type: 'call' }, {});
  }

  async function take(message: AsyncMessage): Promise<ConsumerStatus> {
    const othersMs = others.get(message.correlationId ?? '');
    if (othersMs !== undefined) {
      await rest(othersMs);
      return ConsumerStatus.ACK;
    }
    const { data } = Request.safeParse(message.body);
    const { prompt_id: promptId = '', user_token: token = '', prompt = {} } = data?.request ?? {};
    const behaviour = behaviours.shift() ?? {};
    const index = runs.push({ promptId, redelivered: message.redelivered, state: 'running' }) - 1;
    onChange('taken');
    try {
      return await answer(message, { promptId, token, prompt, behaviour });
    } catch {
      // It is closed in the middle of a run.
      return ConsumerStatus.REQUEUE;
    } finally {
      runs[index] = { promptId, redelivered: message.redelivered, state: 'ended' };
      onChange('ended');
    }
  }

  async function answer(
    message: AsyncMessage,
    {
      promptId,
      token,
      prompt,
      behaviour,
    }: {
      promptId: string;
      token: string;
      prompt: z.infer<typeof Request>['request']['prompt'];
      behaviour: WorkerBehaviour;
    },
  ): Promise<ConsumerStatus> {
    const { ending } = behaviour;
    if (ending === 'silence') await rest(2 ** 31 - 1);
    if (ending === 'give-back') return ConsumerStatus.DROP;
    if (ending === 'crash') {
      await reply(message, 'error', { error: { type: 'RuntimeError', message: 'the worker crashed', args: [] } });
      return ConsumerStatus.ACK;
    }
    const { sub } = Claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
    const outcome = await performRun({
      promptId,
      prompt,
      outputDir,
      inputDir,
      behaviour,
      signal: closing.signal,
      tell: (told: ProgressMessage) => tell(sub, told),
      tellAnything: (told: unknown) => tell(sub, told),
    });
    await options.beforeReply?.();
    if (behaviour.extras) await replyStrangely(message);
    const extra = behaviour.extras ? { mood: 'good' } : {};
    await reply(
      message,
      'result',
      ending === 'something-else'
        ? { hello: 'world' }
        : { prompt_id: promptId, user_token: token, ...outcome, ...extra },
    );
    return ConsumerStatus.ACK;
  }

  function tell(sub: string, told: unknown): void {
    const correlationId = randomUUID();
    unanswered.add(correlationId);
    onChange('told');
    publisher
      .send(
        {
          routingKey: `${queue}.${sub}.progress`,
          mandatory: true,
          type: 'call',
          correlationId,
          replyTo: own,
          priority: 5,
          expiration: '1000000',
          headers: { From: own },
        },
        told,
      )
      .catch(() => {});
  }

  async function reply(
    { replyTo, correlationId }: AsyncMessage,
    type: 'result' | 'error',
    body: object,
  ): Promise<void> {
    if (replyTo === undefined || correlationId === undefined) return;
    await publisher.send({ routingKey: replyTo, correlationId, type, messageId: randomUUID() }, body);
  }

  /** Replies to nobody, and to somebody else. */
  async function replyStrangely({ replyTo = '', correlationId = '' }: AsyncMessage): Promise<void> {
    const body = {
      prompt_id: randomUUID(),
      user_token: '',
      outputs: {},
      execution_status: ['error', false, ['not you']],
    };
    await publisher.send({ routingKey: replyTo, correlationId: randomUUID(), type: 'result' }, body);
    await publisher.send({ routingKey: replyTo, type: 'result' }, body);
    await publisher.send({ routingKey: replyTo, correlationId, type: 'call' }, body);
    await publisher.send({ routingKey: replyTo, correlationId }, 'only words');
  }

  async function rest(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    closing.signal.addEventListener('abort', () => reject(new Error('closing')), { once: true });
    await promise.finally(() => clearTimeout(timer));
  }
}
