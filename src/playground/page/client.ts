import type { APIMessage } from 'discord-api-types/v10';
import type {
  AutocompleteChoices,
  InteractionStarted,
  PlaygroundEvent,
  PlaygroundFault,
  PlaygroundInteraction,
  PlaygroundState,
} from '../api.ts';

/** An answer of the playground that was not a success; the message is the playground's own words. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

export interface EventHandlers {
  onOpen(): void;
  onEvent(event: PlaygroundEvent): void;
  onLost(): void;
}

export type Client = ReturnType<typeof createClient>;

/** Wait between attempts while the playground cannot be reached. */
export const retryMs = 2000;

const eventTypes = [
  'message-created',
  'message-updated',
  'message-deleted',
  'interaction-changed',
  'state-changed',
] as const satisfies readonly PlaygroundEvent['type'][];

/**
 * Speaks the playground's JSON API. The answers are not parsed with a schema: page and API are served by the same
 * process from the same commit, so `api.ts` is the contract.
 */
export function createClient() {
  async function request(path: string, init?: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`/playground/${path}`, init);
    } catch (cause) {
      throw new RequestError('The playground cannot be reached. Is it still running?', { cause });
    }
    if (response.ok) return response;
    throw new RequestError(await refusal(response));
  }

  function post(path: string, body: unknown): Promise<Response> {
    return request(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  function person(user: string): string {
    return `users/${encodeURIComponent(user)}`;
  }

  return {
    async state(): Promise<PlaygroundState> {
      return (await request('state')).json();
    },
    async messages(user: string, channel: string): Promise<APIMessage[]> {
      return (await request(`${person(user)}/channels/${channel}/messages`)).json();
    },
    async interaction(id: string): Promise<PlaygroundInteraction> {
      return (await request(`interactions/${id}`)).json();
    },
    async run(user: string, command: string, form: FormData): Promise<InteractionStarted> {
      const path = `${person(user)}/commands/${encodeURIComponent(command)}`;
      return (await request(path, { method: 'POST', body: form })).json();
    },
    async press(user: string, press: { message: string; customId: string; values?: readonly string[] }) {
      const started: InteractionStarted = await (await post(`${person(user)}/components`, press)).json();
      return started;
    },
    async submitModal(user: string, form: FormData): Promise<InteractionStarted> {
      return (await request(`${person(user)}/modals`, { method: 'POST', body: form })).json();
    },
    async autocomplete(user: string, query: Record<string, string>, signal: AbortSignal): Promise<AutocompleteChoices> {
      return (await request(`${person(user)}/autocomplete?${new URLSearchParams(query)}`, { signal })).json();
    },
    async advance(advanceMs: number): Promise<void> {
      await post('clock', { advanceMs });
    },
    async setFault(fault: PlaygroundFault): Promise<void> {
      await post('faults', fault);
    },
    /** Follows what `user` may see, over lost connections too, until the returned function is called. */
    follow(user: string, handlers: EventHandlers): () => void {
      let source: EventSource;
      let timer: ReturnType<typeof setTimeout> | undefined;
      function connect(): void {
        source = new EventSource(`/playground/events?user=${encodeURIComponent(user)}`);
        source.addEventListener('open', () => handlers.onOpen());
        source.addEventListener('error', () => {
          handlers.onLost();
          // After a cut connection the browser tries again by itself, after an answer that is no stream it gives up.
          if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, retryMs);
        });
        for (const type of eventTypes) {
          source.addEventListener(type, ({ data }: MessageEvent<string>) => handlers.onEvent(JSON.parse(data)));
        }
      }
      connect();
      return () => {
        clearTimeout(timer);
        source.close();
      };
    },
  };
}

async function refusal(response: Response): Promise<string> {
  const body: { error?: unknown } | null = await response.json().catch(() => null);
  if (typeof body?.error === 'string') return body.error;
  return `The playground answered ${response.status} without saying why.`;
}
