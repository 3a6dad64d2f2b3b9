import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { Busboy } from '@fastify/busboy';
import type { UploadedFile } from './attachments.ts';

export interface Reply {
  status: number;
  json?: unknown;
  bytes?: Buffer;
  headers?: Record<string, string>;
}

/** A request's body, whole. `tooLarge`: it had more bytes than allowed, and nothing of it was kept. */
export interface Body {
  json: unknown;
  fields: Map<string, string>;
  uploads: UploadedFile[];
  tooLarge: boolean;
  /** why it cannot be read, where it cannot */
  broken: string | undefined;
}

// A client that is told of an oversize body before it has sent it all sees a broken connection instead of the answer,
// so the rest is read and thrown away, up to this much.
const MOST_DISCARDED = 2 * 1024 * 1024 * 1024;
const MOST_PARTS = 64;

export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const type = request.headers['content-type'] ?? '';
  const body: Body = { json: undefined, fields: new Map(), uploads: [], tooLarge: false, broken: undefined };
  if (type.startsWith('multipart/form-data')) await readMultipart(request, type, maxBytes, body);
  else await readJson(request, type, maxBytes, body);
  return body;
}

async function readJson(request: IncomingMessage, type: string, maxBytes: number, body: Body) {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MOST_DISCARDED) throw new Error('body without end');
    if (size <= maxBytes) chunks.push(chunk);
  }
  body.tooLarge = size > maxBytes;
  if (size === 0 || body.tooLarge) return;
  if (!type.startsWith('application/json')) body.broken = 'The body must be application/json or multipart/form-data.';
  else body.json = parseJson(Buffer.concat(chunks).toString('utf8'), body);
}

function parseJson(text: string, body: Body): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    body.broken = 'The body is not valid JSON.';
    return undefined;
  }
}

async function readMultipart(request: IncomingMessage, type: string, maxBytes: number, body: Body) {
  const parser = createParser(request, type, maxBytes);
  if (!parser) {
    body.broken = 'The multipart body names no boundary.';
    request.resume();
    return;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let size = 0;

  function discard(reason?: string) {
    if (reason === undefined) body.tooLarge = true;
    else body.broken = reason;
    request.unpipe(parser);
    request.resume();
    request.once('end', resolve);
  }

  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MOST_DISCARDED) request.destroy();
    if (size > maxBytes && !body.tooLarge) discard();
  });
  request.once('close', () => {
    if (!request.complete) reject(new Error('the client left'));
  });
  parser.on('field', (name, value) => body.fields.set(name, value));
  parser.on('file', (field, stream, name, _encoding, mediaType) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      if (!body.tooLarge) chunks.push(chunk);
    });
    stream.on('end', () => {
      const bytes = Buffer.concat(chunks);
      // A form's file input that was left empty.
      if (name || bytes.length > 0) body.uploads.push({ field, name: name || 'blob', mediaType, bytes });
    });
    // Its error is the parser's as well; without a listener it would end the process.
    stream.on('error', () => {});
  });
  parser.on('partsLimit', () => discard('There are too many parts.'));
  parser.on('error', () => discard('The multipart body is malformed.'));
  parser.on('finish', () => resolve());
  request.pipe(parser);
  await promise;
  const payload =
    body.fields.get('payload_json') ??
    body.uploads.find(({ field }) => field === 'payload_json')?.bytes.toString('utf8');
  body.uploads = body.uploads.filter(({ field }) => field !== 'payload_json');
  if (payload !== undefined && !body.tooLarge) body.json = parseJson(payload, body);
}

function createParser(request: IncomingMessage, type: string, maxBytes: number) {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': type },
      limits: { parts: MOST_PARTS, files: MOST_PARTS, fields: MOST_PARTS, fieldSize: maxBytes, headerPairs: 100 },
    });
  } catch {
    return undefined;
  }
}

export function sendReply(response: ServerResponse, { status, json, bytes, headers = {} }: Reply) {
  if (response.headersSent || response.destroyed) return;
  const payload = bytes ?? (json === undefined ? undefined : Buffer.from(JSON.stringify(json)));
  response.writeHead(status, {
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(status === 204 ? {} : { 'content-length': String(payload?.length ?? 0) }),
    ...headers,
  });
  response.end(payload);
}

/**
 * The playground has no login, so a page of another origin in the same browser must not be able to use it: the Host must
 * be ours (a name that somebody else points at this machine is not), and an Origin, where there is one, too.
 */
export function isOurs(request: IncomingMessage, boundTo: string): boolean {
  const { host, origin } = request.headers;
  if (host === undefined || !isOwnHost(host, boundTo)) return false;
  if (origin === undefined) return true;
  const [own, theirs] = [URL.parse(`http://${host}`), URL.parse(origin)];
  return own !== null && theirs !== null && isOwnHost(theirs.host, boundTo) && own.port === theirs.port;
}

function isOwnHost(host: string, boundTo: string): boolean {
  const name = URL.parse(`http://${host}`)?.hostname.replaceAll(/^\[|\]$/gu, '');
  if (name === undefined) return false;
  if (name === 'localhost' || name === '::1' || name === boundTo) return true;
  if (isIP(name) === 4 && name.startsWith('127.')) return true;
  // Bound to more than this machine: an address cannot be rebound as a name can.
  return isIP(name) !== 0 && !['127.0.0.1', 'localhost', '::1'].includes(boundTo);
}
