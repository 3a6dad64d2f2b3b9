import { afterEach, beforeEach } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { createViewComfy, type ViewComfyOptions } from '../../src/backends/viewcomfy.ts';
import type { Clock } from '../../src/clock.ts';
import type { BackendError } from '../../src/errors.ts';
import { createQuickClock } from '../quick-clock.ts';
import { createDesk, failureOf, type Desk } from './_run.ts';
import { createService, type Reply, type Seen, type Service } from './_service.ts';

/**
 * What tests of the ViewComfy backend share: a service that answers to the byte, and the backend that asks it.
 */

export const SECRETS = ['the-client-id', 'the-client-secret'] as const;
export const PIXELS = Buffer.from('not really a picture, and none the worse for it');

export type AnyReply = Reply | ((seen: Seen) => Reply);

export interface Bench {
  /** of the present test */
  readonly desk: Desk;
  /** what the log was told */
  readonly logged: readonly string[];
  serve(...replies: AnyReply[]): Promise<Service>;
  /** A backend whose minutes pass in no time, unless it gets a clock. */
  connect(url: string, options?: Partial<ViewComfyOptions>, clock?: Clock): Backend;
  /** How a run ends that gets these replies. */
  failureWith(...replies: AnyReply[]): Promise<BackendError>;
}

/** To be called once in a test file: everything is closed and cleared after each test. */
export function createBench(): Bench {
  const toClose: (() => Promise<void>)[] = [];
  const logged: string[] = [];
  let desk: Desk;
  beforeEach(async () => {
    logged.length = 0;
    desk = await createDesk();
  });
  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
    await desk.clear();
  });

  function note(...parts: unknown[]): void {
    logged.push(JSON.stringify(parts));
  }

  async function serve(...replies: AnyReply[]): Promise<Service> {
    const service = await createService(replies);
    toClose.push(service.close);
    return service;
  }

  function connect(
    url: string,
    options: Partial<ViewComfyOptions> = {},
    clock: Clock = createQuickClock(100),
  ): Backend {
    const backend = createViewComfy(
      { url, clientId: SECRETS[0], clientSecret: SECRETS[1], ...options },
      { clock, log: { debug: note, warn: note } },
    );
    toClose.push(backend.close);
    return backend;
  }

  return {
    get desk() {
      return desk;
    },
    logged,
    serve,
    connect,
    async failureWith(...replies) {
      const service = await serve(...replies);
      return failureOf(connect(service.url), desk, SECRETS);
    },
  };
}

export function output(fields: Record<string, unknown> = {}) {
  const data = PIXELS.toString('base64');
  return { filename: 'Image_1_00001_.png', content_type: 'image/png', data, size: PIXELS.length, ...fields };
}

export function resultOf(outputs: unknown = [output()], fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    prompt_id: 'p',
    status: 'success',
    completed: true,
    execution_time_seconds: 3,
    prompt: {},
    outputs,
    ...fields,
  });
}

export function stream(...events: [string, string][]): string {
  return events.map(([event, data]) => `event: ${event}\ndata: ${data}\n\n`).join('');
}
