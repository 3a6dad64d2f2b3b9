import type { Address } from '../address.ts';

/** One ComfyUI server: where its routes are, and what every request to it carries. */
export interface Server {
  /** tells it from the others of a pool, also in handles: its address, without credentials */
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  route(path: string, query?: Readonly<Record<string, string>>): URL;
  /** where its events come from */
  socket(clientId: string): URL;
  /** whether an address is one of its routes, so that its headers may go there */
  owns(url: URL): boolean;
}

export function createServer({ url, headers }: Address): Server {
  const base = new URL(url);
  base.search = '';
  base.hash = '';
  // A proxy may have put it below a path of its own.
  if (!base.pathname.endsWith('/')) base.pathname += '/';

  function route(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const target = new URL(path, base);
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
    return target;
  }

  return {
    id: base.href,
    headers,
    route,
    socket(clientId) {
      const target = route('ws', { clientId });
      target.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
      return target;
    },
    owns: ({ origin, pathname }) => origin === base.origin && pathname.startsWith(base.pathname),
  };
}
