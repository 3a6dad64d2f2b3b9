/** Something that is written once and can be read from its start by many, while it is still being written. */
export interface Tape {
  /** How it ended: `cut` is to look like a lost connection. Undefined while more may come. */
  readonly ended: 'whole' | 'cut' | undefined;
  write(chunk: string | Buffer): void;
  end(how: 'whole' | 'cut'): void;
  /** what was written so far, then what comes, until it ends */
  read(): AsyncGenerator<string | Buffer, void, undefined>;
}

export function createTape(): Tape {
  const chunks: (string | Buffer)[] = [];
  let ended: 'whole' | 'cut' | undefined;
  let changed = Promise.withResolvers<void>();

  function wake(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  return {
    get ended() {
      return ended;
    },
    write(chunk) {
      if (ended) return;
      chunks.push(chunk);
      wake();
    },
    end(how) {
      ended ??= how;
      wake();
    },
    async *read() {
      for (let index = 0; ; index += 1) {
        while (index >= chunks.length) {
          if (ended) return;
          await changed.promise;
        }
        const chunk = chunks[index];
        if (chunk !== undefined) yield chunk;
      }
    },
  };
}
