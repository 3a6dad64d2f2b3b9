import { BackendError } from '../../errors.ts';
import type { BackendEvent } from '../backend.ts';
import { wordsOfText } from '../detail.ts';
import { readEvents } from '../event-stream.ts';
import type { Answer } from '../http.ts';
import { readLog } from '../log-lines.ts';
import type { ResultFiles } from '../result-files.ts';
import type { Notes } from './notes.ts';
import { readResult, type Result } from './result.ts';

export interface StreamOptions {
  readonly files: ResultFiles;
  readonly maxAnswerBytes: number;
  readonly clean: (text: string) => string | undefined;
  readonly notes: Notes;
}

/**
 * Reads logs as they come, and the one result that ends a run: without waiting for the server to close. An error event
 * is only a line of the log as long as a result follows; without one it says why.
 */
export async function* readStream(
  { body }: Answer,
  { files, maxAnswerBytes, clean, notes }: StreamOptions,
): AsyncGenerator<BackendEvent, Result> {
  let lastError: string | undefined;
  let known = 0;
  let unknown = 0;
  try {
    const large = { name: 'prompt_result', open: files.newDecoder, room: files.room };
    for await (const { event = '', data, body: result } of readEvents(body, { maxEventBytes: maxAnswerBytes, large })) {
      if (result) return readResult(result.end(), notes);
      if (event === 'log_message') yield* readLog(data);
      else if (event === 'error') lastError = clean(wordsOfText(data) ?? data) ?? lastError ?? '';
      else {
        unknown += 1;
        notes.unknown('event', event);
        continue;
      }
      known += 1;
    }
  } catch (error) {
    const isCut = error instanceof BackendError && error.type === 'cut';
    if (!isCut || lastError === undefined) throw error;
  }
  if (lastError !== undefined) {
    const detail = lastError || 'no reason was given';
    throw new BackendError('the stream ended with an error', { type: 'failed', detail });
  }
  if (unknown > 0 && known === 0) {
    throw new BackendError("a stream of events that are not ViewComfy's", { type: 'unintelligible' });
  }
  throw new BackendError('the stream ended without a result', { type: 'cut' });
}
