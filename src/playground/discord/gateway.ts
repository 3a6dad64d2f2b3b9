import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayIntentBits, type APIUser } from 'discord-api-types/v10';
import { WebSocketServer, type WebSocket } from 'ws';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';

/** The gateway: sends the bot what happens, and again what it missed. */
export interface Gateway {
  /** Sends an event to every session whose intents cover it (0: everybody gets it), or keeps it until the session resumes. */
  dispatch(type: string, data: object, intents?: number): void;
  online(): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** op 7: asks every session to connect anew and resume */
  reconnect(): void;
  /** op 9: ends every session; where `resumable`, only the connection */
  invalidate(resumable?: boolean): void;
  /** Cuts every connection without a goodbye; the sessions can be resumed. */
  drop(): void;
  /** Sends the last event once more, as a gateway that resumes may. */
  repeat(): void;
  close(): void;
}

interface Session {
  id: string;
  sequence: number;
  /** what was sent, for a resume */
  sent: { sequence: number; frame: string }[];
  intents: number;
  shard: number;
  socket: WebSocket | undefined;
  forget: () => void;
}

const Frame = z.object({ op: z.number(), d: z.unknown() });
const Identify = z.object({
  token: z.string(),
  intents: z.number(),
  properties: z.record(z.string(), z.unknown()),
  shard: z.tuple([z.number(), z.number()]).optional(),
});
const Resume = z.object({ token: z.string(), session_id: z.string(), seq: z.number().nullable() });

// Opcodes and status codes page of Discord's documentation.
const OP = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presence: 3,
  resume: 6,
  reconnect: 7,
  members: 8,
  invalidSession: 9,
  hello: 10,
  ack: 11,
};
const CLOSE = {
  unknownOpcode: 4001,
  decode: 4002,
  notAuthenticated: 4003,
  badToken: 4004,
  already: 4005,
  rateLimited: 4008,
  badIntents: 4013,
};
const LARGEST_FRAME = 4096;
const MOST_FRAMES = 120;
const FRAMES_WINDOW_MS = 60_000;
const HEARTBEAT_MS = 41_250;
// How long a session waits for its resume; Discord does not say, a few minutes are seen.
const SESSION_LIFE_MS = 5 * 60_000;
const KEPT_FRAMES = 1000;
const KNOWN_INTENTS = Object.values(GatewayIntentBits)
  .filter((bit) => typeof bit === 'number')
  .reduce((all: number, bit) => all | bit, 0);

export interface GatewayDependencies {
  clock: Clock;
  token: string;
  applicationId: string;
  bot: APIUser;
  /** guilds that the bot is in, by id, and the GUILD_CREATE of each */
  guilds: () => { id: string; create: object }[];
  url: () => string;
  changed: () => void;
}

export function createGateway({
  clock,
  token,
  applicationId,
  bot,
  guilds,
  url,
  changed,
}: GatewayDependencies): Gateway {
  const server = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  const sessions = new Map<string, Session>();

  function online() {
    return [...sessions.values()].some(({ socket }) => socket !== undefined);
  }

  function send(socket: WebSocket, op: number, d: unknown) {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ op, d, s: null, t: null }));
  }

  function deliver(session: Session, t: string, d: object) {
    session.sequence += 1;
    const frame = JSON.stringify({ op: OP.dispatch, d, s: session.sequence, t });
    session.sent.push({ sequence: session.sequence, frame });
    if (session.sent.length > KEPT_FRAMES) session.sent.shift();
    const { socket } = session;
    if (socket && socket.readyState === socket.OPEN) socket.send(frame);
  }

  function dispatch(type: string, data: object, intents = 0) {
    for (const session of sessions.values()) {
      if (intents === 0 || (session.intents & intents) !== 0) deliver(session, type, data);
    }
  }

  function attach(session: Session, socket: WebSocket) {
    session.forget();
    session.socket = socket;
    changed();
  }

  /** A close with 1000 or 1001 ends the session; any other end of the connection leaves it to be resumed. */
  function detach(session: Session, code: number) {
    session.socket = undefined;
    // Ended already, by op 9 or with the whole gateway.
    if (!sessions.has(session.id)) return;
    if (code === 1000 || code === 1001) sessions.delete(session.id);
    else session.forget = clock.after(SESSION_LIFE_MS, () => sessions.delete(session.id));
    changed();
  }

  /** Who identifies anew does not come back to a session whose connection is gone (inferred). */
  function dropLost(shard: number) {
    for (const session of sessions.values()) {
      if (session.socket || session.shard !== shard) continue;
      session.forget();
      sessions.delete(session.id);
    }
  }

  function identify(socket: WebSocket, data: unknown): Session | undefined {
    const parsed = Identify.safeParse(data);
    if (!parsed.success) return refuse(socket, CLOSE.decode, 'Error while decoding payload.');
    const { intents } = parsed.data;
    if (parsed.data.token.replace(/^Bot /u, '') !== token) {
      return refuse(socket, CLOSE.badToken, 'Authentication failed.');
    }
    if ((intents & ~KNOWN_INTENTS) !== 0) return refuse(socket, CLOSE.badIntents, 'Invalid intents.');
    const shard = parsed.data.shard?.[0] ?? 0;
    dropLost(shard);
    const session: Session = {
      id: randomUUID().replaceAll('-', ''),
      sequence: 0,
      sent: [],
      intents,
      shard,
      socket: undefined,
      forget: () => {},
    };
    sessions.set(session.id, session);
    attach(session, socket);
    deliver(session, 'READY', {
      v: 10,
      user: { ...bot, verified: true, mfa_enabled: false, email: null },
      guilds: guilds().map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: url(),
      application: { id: applicationId, flags: 0 },
    });
    if ((intents & GatewayIntentBits.Guilds) !== 0) {
      for (const { create } of guilds()) deliver(session, 'GUILD_CREATE', create);
    }
    return session;
  }

  function resume(socket: WebSocket, data: unknown): Session | undefined {
    const parsed = Resume.safeParse(data);
    if (!parsed.success) return refuse(socket, CLOSE.decode, 'Error while decoding payload.');
    if (parsed.data.token.replace(/^Bot /u, '') !== token) {
      return refuse(socket, CLOSE.badToken, 'Authentication failed.');
    }
    const session = sessions.get(parsed.data.session_id);
    const last = parsed.data.seq ?? 0;
    const oldest = session?.sent[0]?.sequence ?? 1;
    if (!session || last > session.sequence || last + 1 < oldest) {
      send(socket, OP.invalidSession, false);
      return undefined;
    }
    session.socket?.terminate();
    attach(session, socket);
    for (const { sequence, frame } of session.sent) if (sequence > last) socket.send(frame);
    deliver(session, 'RESUMED', {});
    return session;
  }

  function refuse(socket: WebSocket, code: number, reason: string): undefined {
    socket.close(code, reason);
  }

  function connect(socket: WebSocket) {
    let session: Session | undefined;
    let frames = 0;
    let windowStart = clock.now();
    send(socket, OP.hello, { heartbeat_interval: HEARTBEAT_MS });

    function receive(text: string) {
      if (clock.now() - windowStart > FRAMES_WINDOW_MS) {
        frames = 0;
        windowStart = clock.now();
      }
      frames += 1;
      if (frames > MOST_FRAMES) return refuse(socket, CLOSE.rateLimited, 'Rate limited.');
      const frame = text.length > LARGEST_FRAME ? undefined : parse(text);
      if (!frame) return refuse(socket, CLOSE.decode, 'Error while decoding payload.');
      if (frame.op === OP.heartbeat) return send(socket, OP.ack, null);
      if (frame.op === OP.identify || frame.op === OP.resume) {
        if (session) return refuse(socket, CLOSE.already, 'Already authenticated.');
        session = frame.op === OP.identify ? identify(socket, frame.d) : resume(socket, frame.d);
        return undefined;
      }
      if (!session) return refuse(socket, CLOSE.notAuthenticated, 'Not authenticated.');
      // Presences and member lists are nobody's concern here, so asking for them does nothing.
      if (frame.op !== OP.presence && frame.op !== OP.members) refuse(socket, CLOSE.unknownOpcode, 'Unknown opcode.');
      return undefined;
    }

    socket.on('message', (data, isBinary) => receive(isBinary || Array.isArray(data) ? '' : text(data)));
    socket.on('close', (code) => {
      if (session?.socket === socket) detach(session, code);
    });
    // A broken frame closes the connection by itself; without a listener it would end the process.
    socket.on('error', () => socket.terminate());
  }

  function each(act: (session: Session, socket: WebSocket) => void) {
    for (const session of sessions.values()) if (session.socket) act(session, session.socket);
  }

  return {
    dispatch,
    online,
    upgrade: (request, socket, head) => server.handleUpgrade(request, socket, head, connect),
    reconnect: () => each((_session, socket) => send(socket, OP.reconnect, null)),
    invalidate(resumable = false) {
      each((session, socket) => {
        if (!resumable) sessions.delete(session.id);
        send(socket, OP.invalidSession, resumable);
      });
      changed();
    },
    drop: () => each((_session, socket) => socket.terminate()),
    repeat: () =>
      each(({ sent }, socket) => {
        const last = sent.at(-1);
        if (last) socket.send(last.frame);
      }),
    close() {
      for (const session of sessions.values()) session.forget();
      for (const socket of server.clients) socket.terminate();
      sessions.clear();
      server.close();
    },
  };
}

function text(data: Buffer | ArrayBuffer): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

function parse(frame: string): { op: number; d?: unknown } | undefined {
  try {
    return Frame.parse(JSON.parse(frame));
  } catch {
    return undefined;
  }
}
