import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { FaultKind } from '../api.ts';
import type { UploadedFile } from './attachments.ts';
import { DiscordError, errorBody, invalidForm, invalidJson, tooLarge, unauthorized } from './discord-error.ts';
import type { Faults } from './faults.ts';
import { readBody, sendReply, type Body, type Reply } from './http.ts';
import { createRateLimits, retryHeaders, type RateLimit } from './rate-limits.ts';
import type { Recorder } from './recorder.ts';
import type { RequestCounts } from './request-counts.ts';
import { createRouter, routeName, type Route } from './router.ts';

/** One request of the bot. */
export interface Call {
  param(name: string): string;
  query: URLSearchParams;
  json: unknown;
  uploads: readonly UploadedFile[];
}

export interface BotRoute extends Route<Call> {
  handle(call: Call): Reply | Promise<Reply>;
  /** `bot`: wants the bot's token and counts against its global limit; `interaction`: the token in the path is enough */
  auth: 'bot' | 'interaction';
  /** absent: no limit of its own */
  limit?: RateLimit;
  /** the places of the path that have limits of their own */
  major?: readonly string[];
}

export interface RestDependencies {
  clock: Clock;
  routes: readonly BotRoute[];
  token: string;
  faults: Faults;
  recorder: Recorder;
  requestCounts: RequestCounts;
  /** bytes of a whole request */
  requestLimit: number;
  globalLimit: RateLimit;
}

export interface Rest {
  handle(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void>;
}

const Refused = z.object({ code: z.number() });
const FAULT_RETRY_SECONDS = 1;

/** Discord's REST interface: what every route has in common. */
export function createRest(dependencies: RestDependencies): Rest {
  const { clock, token, faults, recorder, requestCounts, requestLimit } = dependencies;
  const router = createRouter(dependencies.routes);
  const limits = createRateLimits({ clock, global: dependencies.globalLimit });

  async function handle(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams) {
    const method = request.method ?? 'GET';
    const match = router.match(method, path);
    if (!match) {
      request.resume();
      const message = `The playground does not know the route ${method} ${path.slice(0, 300)}`;
      return sendReply(response, { status: 500, json: { message, code: 0 } });
    }
    const { route, params } = match;
    const fault = faults.take(routeName(route));
    if (fault && fault !== 'lost-answer') {
      record(route, params, { status: statusOf(fault) }, undefined);
      return misbehave(fault, request, response);
    }
    const over = limited(route, params);
    let body: Body | undefined;
    if (over.reply) request.resume();
    else body = await readBody(request, requestLimit);
    const reply = over.reply ?? (await answer(route, params, query, request, body));
    record(route, params, fault ? { status: 0 } : reply, body);
    if (fault === 'lost-answer') response.socket?.resetAndDestroy();
    else sendReply(response, { ...reply, headers: { ...over.headers, ...reply.headers } });
    return undefined;
  }

  function limited(
    route: BotRoute,
    params: Record<string, string>,
  ): { headers: Record<string, string>; reply?: Reply } {
    if (!route.limit) return { headers: {} };
    const major = (route.major ?? []).map((name) => params[name]).join('/');
    const bucket = route.auth === 'interaction' ? 'interaction webhook' : routeName(route);
    const countsGlobally = route.auth === 'bot';
    const { headers, retryAfterMs, isGlobal } = limits.take({ bucket, major, limit: route.limit, countsGlobally });
    if (retryAfterMs === undefined) return { headers };
    const json = { message: 'You are being rate limited.', retry_after: retryAfterMs / 1000, global: isGlobal };
    return { headers, reply: { status: 429, json } };
  }

  async function answer(
    route: BotRoute,
    params: Record<string, string>,
    query: URLSearchParams,
    request: IncomingMessage,
    body: Body | undefined,
  ): Promise<Reply> {
    try {
      if (route.auth === 'bot' && request.headers.authorization !== `Bot ${token}`) throw unauthorized();
      if (body?.tooLarge) throw tooLarge();
      if (body?.broken !== undefined) {
        if (body.broken.includes('JSON')) throw invalidJson();
        throw invalidForm({ path: [], code: 'CONTENT_TYPE_INVALID', message: body.broken });
      }
      return await route.handle({
        param: (name) => params[name] ?? '',
        query,
        json: body?.json,
        uploads: body?.uploads ?? [],
      });
    } catch (error) {
      if (error instanceof DiscordError) return refusal(error);
      const message = `The playground failed: ${error instanceof Error ? error.message : String(error)}`;
      return { status: 500, json: { message, code: 0 } };
    }
  }

  function record(route: BotRoute, params: Record<string, string>, reply: Reply, body: Body | undefined) {
    const { method, path } = route;
    const { status } = reply;
    const { code } = status < 400 ? {} : (Refused.safeParse(reply.json).data ?? {});
    requestCounts.note(route, params, status, code);
    const { token: _secret, ...named } = params;
    recorder.write({
      time: new Date(clock.now()).toISOString(),
      method,
      route: path,
      params: named,
      status,
      ...(code === undefined ? {} : { code }),
      ...(body?.json === undefined ? {} : { body: body.json }),
      ...(body?.uploads.length ? { files: body.uploads.map(({ name, bytes }) => ({ name, size: bytes.length })) } : {}),
    });
  }

  return { handle };
}

function refusal(error: DiscordError): Reply {
  const { status, retryAfterMs } = error;
  const headers = retryAfterMs === undefined ? {} : retryHeaders(retryAfterMs, 'user');
  return { status, json: errorBody(error), headers };
}

/**
 * - `reset`, `cut`: the connection ends (RST, FIN) before the request is taken
 * - `stall`: no answer at all
 * - `502`, `429`, `401`: that answer, and nothing done
 *
 * (`lost-answer` is the other kind: everything is done and the connection ends instead of the answer.)
 */
function misbehave(fault: Exclude<FaultKind, 'lost-answer'>, request: IncomingMessage, response: ServerResponse) {
  if (fault === 'reset') response.socket?.resetAndDestroy();
  else if (fault === 'cut') response.socket?.destroy();
  else request.resume();
  if (fault === '502') {
    const html = Buffer.from('<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>');
    sendReply(response, { status: 502, bytes: html, headers: { 'content-type': 'text/html' } });
  }
  if (fault === '401') sendReply(response, { status: 401, json: errorBody(unauthorized()) });
  if (fault === '429') {
    const json = { message: 'You are being rate limited.', retry_after: FAULT_RETRY_SECONDS, global: false };
    const headers = { 'retry-after': String(FAULT_RETRY_SECONDS), 'x-ratelimit-scope': 'shared' };
    sendReply(response, { status: 429, json, headers });
  }
}

/** 0: there is no answer. */
function statusOf(fault: FaultKind): number {
  return /^\d+$/u.test(fault) ? Number(fault) : 0;
}
