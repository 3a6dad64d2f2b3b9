import { randomUUID } from 'node:crypto';

export interface OutputFile {
  /** as ComfyUI counts them: `<prefix>_00001_.png` */
  readonly filename: string;
  readonly mediaType: string;
  readonly body: Buffer;
}

export interface ResultFields {
  readonly promptId: string;
  readonly status: string;
  readonly seconds: number;
  readonly prompt: unknown;
  /** absent: the result has no `outputs` */
  readonly outputs: readonly OutputFile[] | undefined;
  /** where a file can be fetched from, when it is not to be in the result itself */
  readonly address: ((file: OutputFile) => string) | undefined;
  readonly extras: Readonly<Record<string, unknown>>;
}

/** A multiple of 3, so that pieces of base64 can be joined. */
const PIECE_BYTES = 48 * 1024;

/**
 * The result as JSON on one line, in pieces: a real one has 30 MB of base64, and a string of that size would hold the
 * event loop while it is made.
 */
export function* resultPieces(fields: ResultFields): Generator<string, void, undefined> {
  const { promptId, status, seconds, prompt, outputs, address, extras } = fields;
  const head = JSON.stringify({
    prompt_id: promptId,
    status,
    completed: true,
    execution_time_seconds: seconds,
    prompt,
    ...extras,
  });
  if (!outputs) {
    yield head;
    return;
  }
  yield `${head.slice(0, -1)},"outputs":[`;
  for (const [index, file] of outputs.entries()) {
    const { filename, mediaType, body } = file;
    const start = JSON.stringify({ filename, content_type: mediaType, size: body.length, ...extras });
    yield `${index > 0 ? ',' : ''}${start.slice(0, -1)},`;
    if (address) {
      yield `"filepath":${JSON.stringify(address(file))}}`;
      continue;
    }
    yield '"data":"';
    for (let offset = 0; offset < body.length; offset += PIECE_BYTES) {
      yield body.subarray(offset, offset + PIECE_BYTES).toString('base64');
    }
    yield '"}';
  }
  yield ']}';
}

/** The same as the history of runs tells it: in camel case, files by their addresses. */
export function historyRecord({ promptId, status, seconds, prompt, outputs, address, extras }: ResultFields): object {
  const { error_data: errorData = null, ...others } = extras;
  return {
    promptId,
    status,
    completed: true,
    executionTimeSeconds: seconds,
    prompt,
    outputs:
      outputs?.map((file) => ({
        id: randomUUID(),
        filename: file.filename,
        contentType: file.mediaType,
        size: file.body.length,
        filepath: address?.(file),
        ...others,
      })) ?? null,
    errorData,
    ...others,
  };
}
