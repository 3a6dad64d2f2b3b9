import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  Counts,
  Place,
  RoundResult,
  type ClientName,
  type ClientTask,
  type Round,
  type ServiceTask,
  type Twist,
} from './backends-messages.ts';
import { startChild } from './child.ts';
import { Done } from './messages.ts';

/** A client and the stand-in that it speaks to, each in a process of its own. */
export interface Pair {
  /** Gives what the client makes of a round of jobs. */
  perform(round: Round): Promise<RoundResult>;
  /** What the stand-in was asked since it was counted last. */
  count(): Promise<Counts>;
  /** How the next run goes. */
  twist(twist: Twist): Promise<void>;
  end(): void;
}

export interface Setting {
  /** where the picture lies, and files may be written */
  readonly home: string;
  /** where the SDKs are, if they are */
  readonly sdks: string | undefined;
}

export type PairTask = ServiceTask & { readonly client: ClientName };

export async function openPair({ client, ...task }: PairTask, { home, sdks }: Setting): Promise<Pair> {
  const own = await mkdtemp(join(home, `${client}-`));
  const service = startChild('backends-service.ts', {}, [JSON.stringify(task), own]);
  const runner = startChild('backends-client.ts');
  function end(): void {
    runner.end();
    service.end();
  }
  try {
    const place = await service.hear(Place);
    const start: ClientTask = { client, place, home, ...(sdks !== undefined && { sdks }) };
    runner.send(start);
    await runner.hear(z.literal('ready'));
  } catch (error) {
    end();
    throw error;
  }
  return {
    async perform(round) {
      runner.send(round);
      return await runner.hear(RoundResult);
    },
    async count() {
      service.send('count');
      return await service.hear(Counts);
    },
    async twist(twist) {
      service.send(twist);
      await service.hear(Done);
    },
    end,
  };
}
