import type { Patience } from '../patience.ts';

/** What was heard and not yet looked at, in its order. */
export interface Inbox<T> {
  put(item: T): void;
  /** The next one; throws the patience's reason when the wait is over before. */
  next(): Promise<T>;
}

export function createInbox<T>(patience: Patience): Inbox<T> {
  const items: T[] = [];
  let news = Promise.withResolvers<void>();
  patience.signal.addEventListener('abort', () => news.resolve(), { once: true });
  return {
    put(item) {
      items.push(item);
      news.resolve();
    },
    async next() {
      for (;;) {
        patience.signal.throwIfAborted();
        const [item] = items.splice(0, 1);
        if (item !== undefined) return item;
        await news.promise;
        news = Promise.withResolvers();
      }
    },
  };
}
