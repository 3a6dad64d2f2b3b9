import { WebSocket } from 'ws';
import type { Clock } from '../../clock.ts';
import { readBinary, readText, type Hint } from './frames.ts';
import type { Server } from './server.ts';

/** Listens to a server for one run. It comes back by itself when it is lost, and may well say nothing at all. */
export interface Socket {
  /** resolves when the server listens back, or it is clear that it does not for now */
  readonly ready: Promise<void>;
  /**
   * What can be said of the hints since `ready`: that all were heard up to `now`; all until the connection was `lost`
   * for the first time, whatever came after; or `nothing`.
   */
  heard(): 'now' | 'lost' | 'nothing';
  /** The server has given the run another name: from now on that is the one to listen for. */
  rename(promptId: string): void;
  /** whether it is connected now */
  isOpen(): boolean;
  close(): void;
}

export interface SocketOptions {
  readonly server: Server;
  /** The id of the run is that of the client too, so that a run that is found again is heard of again. */
  readonly promptId: string;
  readonly clock: Clock;
  readonly onHint: (hint: Hint) => void;
  /** the connection was lost, or is there again */
  readonly onTurn: () => void;
}

/** aiohttp sends no heartbeat of its own, and answers ours. */
const PING_MS = 20_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A run does not wait longer for its socket. */
const READY_MS = 3000;
/** An error names tensors with their contents, and `executed` whatever a node shows. */
const LARGEST_FRAME = 64 * 1024 * 1024;

export function createSocket({ server, promptId, clock, onHint, onTurn }: SocketOptions): Socket {
  const ready = Promise.withResolvers<void>();
  const stopReady = clock.after(READY_MS, () => settleReady(false));
  let heard: ReturnType<Socket['heard']> = 'nothing';
  let listensFor = promptId;
  let isReady = false;
  let isOpen = false;
  let isClosed = false;
  let pauseMs = FIRST_PAUSE_MS;
  let stopTimer = (): void => {};
  let socket = connect();

  function connect(): WebSocket {
    const socket = new WebSocket(server.socket(promptId), {
      headers: { ...server.headers },
      perMessageDeflate: false,
      maxPayload: LARGEST_FRAME,
      handshakeTimeout: 10_000,
    });
    socket.on('open', () => {
      isOpen = true;
      pauseMs = FIRST_PAUSE_MS;
      // Only the very first frame can ask for previews that say whose they are.
      socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
      settleReady(true);
      onTurn();
      keepAlive(socket);
    });
    socket.on('message', (data, isBinary) => {
      // One frame is one buffer, as long as nobody asks `ws` for another kind.
      if (!Buffer.isBuffer(data)) return;
      const hint = isBinary ? readBinary(data, listensFor) : readText(data.toString('utf8'), listensFor);
      if (hint) onHint(hint);
    });
    // What is wrong is no more than that there is no connection: the close follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      const wasOpen = isOpen;
      isOpen = false;
      stopTimer();
      settleReady(false);
      if (heard === 'now') heard = 'lost';
      if (isClosed) return;
      stopTimer = clock.after(pauseMs, reconnect);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (wasOpen) onTurn();
    });
    return socket;
  }

  function reconnect(): void {
    socket = connect();
  }

  function settleReady(isHeard: boolean): void {
    if (isReady) return;
    isReady = true;
    if (isHeard) heard = 'now';
    stopReady();
    ready.resolve();
  }

  /** A connection that is half open is silent for ever: two pings without an answer end it. */
  function keepAlive(socket: WebSocket): void {
    let isAnswered = true;
    socket.on('pong', () => {
      isAnswered = true;
    });
    function beat(): void {
      if (!isAnswered) {
        socket.terminate();
        return;
      }
      isAnswered = false;
      socket.ping();
      stopTimer = clock.after(PING_MS, beat);
    }
    stopTimer = clock.after(PING_MS, beat);
  }

  return {
    ready: ready.promise,
    heard: () => heard,
    rename(promptId) {
      listensFor = promptId;
      // What came before was for another name.
      heard = 'nothing';
    },
    isOpen: () => isOpen,
    close() {
      isClosed = true;
      stopTimer();
      settleReady(false);
      // `terminate` while connecting is told as an error, which is heard above.
      socket.terminate();
    },
  };
}
