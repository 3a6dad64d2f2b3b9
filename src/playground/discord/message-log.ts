import type { Clock } from '../../clock.ts';
import type { PlaygroundMessage } from '../api.ts';
import { isLoading } from './interactions.ts';
import type { Message, MessageChange } from './messages.ts';

/** Every message that the bot ever made, without its words and bytes: what a test of delivery counts. */
export interface MessageLog {
  note(change: MessageChange, message: Message): void;
  /** oldest first; `channel` is an id */
  list(channel?: string): PlaygroundMessage[];
}

// About half a kilobyte each; the oldest go.
const MOST_KEPT = 50_000;

export function createMessageLog({ clock }: { clock: Clock }): MessageLog {
  const entries = new Map<string, PlaygroundMessage>();

  function describe(message: Message) {
    const { id, place, onlyFor, metadata, nonce, createdAt, editedAt, files } = message;
    return {
      id,
      channel: place.id,
      ...(onlyFor ? { onlyFor: onlyFor.user.id } : {}),
      ...(metadata ? { interaction: metadata.id } : {}),
      ...(nonce === undefined ? {} : { nonce }),
      createdAt,
      ...(editedAt === undefined ? {} : { editedAt }),
      loading: isLoading(message),
      files: files.map((file) => ({ id: file.id, name: file.filename, size: file.size })),
    };
  }

  return {
    note(change, message) {
      const known = entries.get(message.id);
      const edits = (known?.edits ?? 0) + (change === 'message-updated' ? 1 : 0);
      const deleted = change === 'message-deleted' ? { deletedAt: clock.now() } : {};
      entries.set(message.id, { ...describe(message), edits, ...deleted });
      for (const oldest of entries.keys()) {
        if (entries.size <= MOST_KEPT) break;
        entries.delete(oldest);
      }
    },
    list: (channel) => [...entries.values()].filter((entry) => channel === undefined || entry.channel === channel),
  };
}
