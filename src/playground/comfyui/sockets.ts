import type { Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

/** Who listens, and what they hear. */
export interface Sockets {
  /** To one client, or to all when `client` is undefined: so does ComfyUI with a run that nobody's socket began. */
  tell(client: string | undefined, type: string, data: object): void;
  /** A text frame as it is. */
  tellRaw(client: string | undefined, text: string): void;
  /** A picture: with its run's id for those who asked so, and without for the others. */
  show(client: string | undefined, about: { node: string; promptId: string }, picture: Buffer): void;
  tellBytes(client: string | undefined, frame: Buffer): void;
  /** The connections are lost. */
  cut(): void;
}

interface Listener {
  readonly socket: WebSocket;
  wantsMetadata: boolean;
}

export interface SocketsOptions {
  readonly server: Server;
  readonly isAllowed: (headers: NodeJS.Dict<string | string[]>) => boolean;
  /** whether previews can say whose they are (since 0.3.44) */
  readonly hasMetadata: boolean;
  /** of the queue, for the first frame */
  readonly remaining: () => number;
}

export function createSockets({ server, isAllowed, hasMetadata, remaining }: SocketsOptions): Sockets {
  /** By the client's id: a second connection takes the place of the first, in the table only. */
  const listeners = new Map<string, Listener>();
  const all = new Set<WebSocket>();
  let count = 0;
  const sockets = new WebSocketServer({ noServer: true });

  server.on('upgrade', (request, socket, head) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (!['/ws', '/api/ws'].includes(pathname) || !isAllowed(request.headers)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => welcome(ws, searchParams.get('clientId')));
  });

  function welcome(socket: WebSocket, wished: string | null): void {
    const id = wished || `made-${(count += 1)}`;
    const listener: Listener = { socket, wantsMetadata: false };
    listeners.set(id, listener);
    all.add(socket);
    let isFirst = true;
    socket.on('error', () => {});
    socket.on('message', (data) => {
      if (isFirst && hasMetadata && Buffer.isBuffer(data) && data.includes('"supports_preview_metadata":true')) {
        listener.wantsMetadata = true;
        const flags = { supports_preview_metadata: true, max_upload_size: 104_857_600 };
        socket.send(JSON.stringify({ type: 'feature_flags', data: flags }));
      }
      isFirst = false;
    });
    socket.on('close', () => {
      all.delete(socket);
      // As the real one does: whoever has the id now is forgotten with the old connection.
      listeners.delete(id);
    });
    const status = { status: { exec_info: { queue_remaining: remaining() } }, sid: id };
    socket.send(JSON.stringify({ type: 'status', data: status }));
  }

  function hearers(client: string | undefined): Listener[] {
    if (client === undefined) return [...listeners.values()];
    const listener = listeners.get(client);
    return listener ? [listener] : [];
  }

  function tellRaw(client: string | undefined, text: string): void {
    for (const { socket } of hearers(client)) socket.send(text);
  }

  return {
    tell: (client, type, data) => tellRaw(client, JSON.stringify({ type, data })),
    tellRaw,
    show(client, { node, promptId }, picture) {
      for (const { socket, wantsMetadata } of hearers(client)) {
        socket.send(wantsMetadata ? withMetadata(node, promptId, picture) : bare(picture));
      }
    },
    tellBytes(client, frame) {
      for (const { socket } of hearers(client)) socket.send(frame);
    },
    cut() {
      for (const socket of all) socket.terminate();
    },
  };
}

/** Type 4: whose picture it is, and the picture. */
function withMetadata(node: string, promptId: string, picture: Buffer): Buffer {
  const meta = Buffer.from(
    JSON.stringify({
      node_id: node,
      prompt_id: promptId,
      display_node_id: node,
      parent_node_id: null,
      real_node_id: node,
      image_type: 'image/jpeg',
    }),
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4, 0);
  head.writeUInt32BE(meta.length, 4);
  return Buffer.concat([head, meta, picture]);
}

/** Type 1: a JPEG of nobody knows whom. */
export function bare(picture: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(1, 4);
  return Buffer.concat([head, picture]);
}
