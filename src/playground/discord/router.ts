import type { Reply } from './http.ts';

/** One route: its pattern has the names of its places in braces. */
export interface Route<Context> {
  method: string;
  path: string;
  /** `undefined`: it has taken over the response */
  handle(context: Context): Reply | Promise<Reply> | undefined;
}

interface Match<Each> {
  route: Each;
  params: Record<string, string>;
}

export interface Router<Each> {
  routes: readonly Each[];
  match(method: string, path: string): Match<Each> | undefined;
}

/** Routes that say more of the path in plain words win over those with places in braces. */
export function createRouter<Each extends { method: string; path: string }>(routes: readonly Each[]): Router<Each> {
  const places = (path: string) => path.split('{').length;
  const sorted = [...routes].sort((a, b) => places(a.path) - places(b.path));
  const patterns = sorted.map((route) => ({ route, segments: route.path.split('/') }));

  return {
    routes,
    match(method, path) {
      const parts = path.split('/').map(decoded);
      for (const { route, segments } of patterns) {
        if (route.method !== method || segments.length !== parts.length) continue;
        const params: Record<string, string> = {};
        const fits = segments.every((segment, index) => {
          const part = parts[index] ?? '';
          if (!segment.startsWith('{')) return segment === part;
          params[segment.slice(1, -1)] = part;
          return part !== '';
        });
        if (fits) return { route, params };
      }
      return undefined;
    },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function routeName({ method, path }: { method: string; path: string }): string {
  return `${method} ${path}`;
}
