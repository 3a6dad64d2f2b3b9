/**
 * A process of its own that sends results: `?mb=50&chunk=16384&rate=10&files=10&first=1` (megabytes a second, as fast
 * as can be without), and tells its parent when it begins one. Without a query it sends what it was told last, so that a
 * backend, which has one address only, can be warmed up with less. The files are PNGs in all but their pixels, which are
 * noise.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { createCertificate } from './certificate.ts';
import { Load, MB } from './messages.ts';

/** the base64 of 3 bytes is 4 characters: a multiple of 4 can be repeated */
const base64 = Buffer.from(randomBytes(768 * 1024).toString('base64'));

let answered = 0;
let load: Load = { mb: 1, chunk: 65_536 };

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  await once(request, 'end');
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const chunk = Number(query.get('chunk') ?? load.chunk);
  const rate = Number(query.get('rate') ?? load.mbPerSecond ?? Infinity) * MB;
  const files = Number(query.get('files') ?? 10);
  // The first one may be of another size, for what has to be warm before it is measured.
  const mb = Number((answered === 0 && query.get('first')) || (query.get('mb') ?? load.mb));
  answered += 1;
  const characters = Math.ceil((mb * MB) / files / 4) * 4;
  const { head, tail } = framePng((characters / 4) * 3);
  response.writeHead(201, { 'content-type': 'text/event-stream' });
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  const began = performance.now();
  if (query.has('mb')) process.send?.({ began: Date.now() });
  let sent = 0;
  let rest: Buffer = Buffer.from(
    'event: prompt_result\ndata: {"prompt_id":"1","status":"success","completed":true,"outputs":[',
  );
  for (let file = 0; file < files; file += 1) {
    await write(`${file > 0 ? ',' : ''}{"filename":"${file}.png","content_type":"image/png","data":"${head}`);
    const inside = characters - head.length - tail.length;
    for (let left = inside; left > 0; left -= base64.length) await write(base64.subarray(0, left));
    await write(`${tail}","size":${(characters / 4) * 3}}`);
  }
  await write(']}\n\n');
  response.end(rest);

  /** In HTTP chunks of the size that was asked for; nothing is copied but what joins two pieces. */
  async function write(piece: string | Buffer): Promise<void> {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    let at = 0;
    if (rest.length + bytes.length >= chunk) {
      at = chunk - rest.length;
      await send(Buffer.concat([rest, bytes.subarray(0, at)]));
      rest = Buffer.alloc(0);
    }
    for (; rest.length === 0 && bytes.length - at >= chunk; at += chunk) await send(bytes.subarray(at, at + chunk));
    rest = Buffer.concat([rest, bytes.subarray(at)]);
  }

  async function send(bytes: Buffer): Promise<void> {
    if (response.destroyed) return;
    sent += bytes.length;
    if (!response.write(bytes)) {
      await once(response, 'drain', { signal: closed.signal });
    }
    const early = (sent / rate) * 1000 - (performance.now() - began);
    if (early > 5) await setTimeout(early);
  }
}

/** What stands before and after the pixels, as base64: both are of a length that can be encoded by itself. */
function framePng(bytes: number): { head: string; tail: string } {
  const chunk = (type: string, length: number) => {
    const start = Buffer.alloc(8);
    start.writeUInt32BE(length);
    start.write(type, 4, 'latin1');
    return start;
  };
  const checksum = Buffer.alloc(4);
  const header = [chunk('IHDR', 13), Buffer.from('00000400000004000802000000', 'hex'), checksum];
  const end = [checksum, chunk('IEND', 0), checksum];
  // Signature and header have 33 bytes, the start of the pixels' chunk 8, what follows it 16.
  const pixels = chunk('IDAT', bytes - 57);
  const head = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...header, pixels, Buffer.alloc(1)]);
  const tail = Buffer.concat([Buffer.alloc(2), ...end]);
  return { head: head.toString('base64'), tail: tail.toString('base64') };
}

const { cert, key } = createCertificate();
const servers = [createServer(), createTlsServer({ cert, key })];
const ports = await Promise.all(
  servers.map(async (server) => {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      response.on('error', () => {});
      answer(request, response).catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }),
);
process.on('message', (message) => {
  load = Load.parse(message);
  process.send?.('done');
});
process.on('disconnect', () => process.exit());
process.send?.({ plain: `http://127.0.0.1:${ports[0]}/`, tls: `https://127.0.0.1:${ports[1]}/`, cert });
