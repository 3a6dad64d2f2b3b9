import { closeSync, openSync, writeSync } from 'node:fs';

/** One request of the bot, as it is written down: no bytes of files, no tokens. */
interface RecordedRequest {
  /** ISO 8601, by the playground's clock */
  time: string;
  method: string;
  /** the route's pattern, for example `/channels/{channel}/messages` */
  route: string;
  /** what stood in the pattern's places, without the interaction token */
  params: Record<string, string>;
  /** 0 where a fault left it without an answer */
  status: number;
  /** of a refusal: Discord's own */
  code?: number;
  body?: unknown;
  files?: { name: string; size: number }[];
}

export interface Recorder {
  write(request: RecordedRequest): void;
  close(): void;
}

/**
 * Appends JSON lines to a file; without a path it does nothing. Each line is written before its request is answered, so
 * that whoever has the answer finds it there. Throws where the file cannot be opened.
 */
export function createRecorder(path: string | undefined): Recorder {
  if (path === undefined) return { write: () => {}, close: () => {} };
  const file = openSync(path, 'a');
  return {
    write: (request) => void writeSync(file, `${JSON.stringify(request)}\n`),
    close: () => closeSync(file),
  };
}
