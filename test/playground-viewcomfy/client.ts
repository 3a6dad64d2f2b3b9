import { request } from 'node:http';

import {
  createLocalViewComfy,
  type LocalViewComfy,
  type LocalViewComfyOptions,
} from '../../src/playground/viewcomfy/server.ts';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

export const CREDENTIALS = { client_id: 'id', client_secret: 'secret' } as const;

/** A server that is closed with the test: quick, with flat pictures, unless told otherwise. */
export async function startViewComfy(options: Partial<LocalViewComfyOptions> = {}): Promise<LocalViewComfy> {
  const viewComfy = await createLocalViewComfy({
    clientId: CREDENTIALS.client_id,
    clientSecret: CREDENTIALS.client_secret,
    runMs: 0,
    coldStartMs: 0,
    drawing: 'flat',
    ...options,
  });
  onTestFinished(() => viewComfy.close());
  return viewComfy;
}

export interface Part {
  readonly name: string;
  readonly body: string | Buffer;
  readonly filename?: string;
  readonly mediaType?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** what arrived, whole or not */
  readonly body: string;
  /** the answer ended as it should, and not with a lost connection */
  readonly whole: boolean;
}

export function multipart(parts: readonly Part[]): { body: Buffer; contentType: string } {
  const boundary = 'a-boundary-of-the-test';
  const pieces = parts.flatMap(({ name, body, filename, mediaType }) => [
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n`,
    mediaType === undefined ? '\r\n' : `content-type: ${mediaType}\r\n\r\n`,
    body,
    '\r\n',
  ]);
  const body = Buffer.concat([...pieces.map((piece) => Buffer.from(piece)), Buffer.from(`--${boundary}--\r\n`)]);
  return { body, contentType: `multipart/form-data; boundary=${boundary}` };
}

/** One request by hand. `onData` sees what arrives while it does; aborting the signal drops the connection. */
export async function send(
  url: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: Buffer;
    signal?: AbortSignal;
    onData?: (text: string) => void;
  } = {},
): Promise<Answer> {
  const { method = 'GET', headers = CREDENTIALS, body, signal, onData } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        onData?.(chunk.toString());
      });
      response.on('error', () => {});
      response.on('close', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
          whole: response.complete,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A run as the official clients send it. */
export async function run(
  viewComfy: LocalViewComfy,
  parts: readonly Part[],
  options: { headers?: Record<string, string>; signal?: AbortSignal; onData?: (text: string) => void } = {},
): Promise<Answer> {
  const { body, contentType } = multipart(parts);
  return send(viewComfy.url, {
    ...options,
    method: 'POST',
    body,
    headers: { ...CREDENTIALS, ...options.headers, 'content-type': contentType },
  });
}

/** The parts of a run of the character workflow. */
export async function characterParts(
  params: Record<string, unknown> = {},
  { logs = true, character }: { logs?: boolean; character?: Buffer } = {},
): Promise<Part[]> {
  return [
    {
      name: '626-inputs-image',
      filename: 'me.png',
      mediaType: 'image/png',
      body: character ?? (await portrait('#c33')),
    },
    {
      name: 'params',
      body: JSON.stringify({ '594-inputs-string': 'a person', '499-inputs-noise_seed': 1, ...params }),
    },
    { name: 'logs', body: String(logs) },
  ];
}

/** A head and shoulders before a plain wall. */
export async function portrait(clothes: string, skin = '#d99b78', wall = '#d8d4c8'): Promise<Buffer> {
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="800"><rect width="600" height="800" fill="${wall}"/>` +
        `<path d="M60 800C70 620 180 570 300 570S530 620 540 800Z" fill="${clothes}"/><ellipse cx="300" cy="370" rx="140" ry="190" fill="${skin}"/>` +
        `<path d="M160 370C140 180 220 150 300 150S460 180 440 370C420 280 380 260 300 260S180 280 160 370Z" fill="#2a1a12"/></svg>`,
    ),
  )
    .png()
    .toBuffer();
}

const Result = z.object({
  prompt_id: z.string(),
  status: z.string(),
  completed: z.boolean(),
  execution_time_seconds: z.number(),
  prompt: z.unknown(),
  outputs: z
    .array(
      z.object({
        filename: z.string(),
        content_type: z.string(),
        size: z.number(),
        data: z.base64().optional(),
        filepath: z.url().optional(),
      }),
    )
    .optional(),
});
export type Result = z.output<typeof Result>;

export function readResult(json: string): Result {
  return Result.parse(JSON.parse(json));
}

/** Events of a stream with CRLF lines, each with its data lines. */
export function readEvents(stream: string): { event: string; data: string[] }[] {
  return stream
    .split('\r\n\r\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const lines = block.split('\r\n').filter((line) => !line.startsWith(':'));
      return {
        event: lines.find((line) => line.startsWith('event: '))?.slice(7) ?? '',
        data: lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)),
      };
    });
}

export function resultOf(stream: string): Result {
  const results = readEvents(stream).filter(({ event }) => event === 'prompt_result');
  return readResult(results.map(({ data }) => data.join('\n')).join(''));
}
