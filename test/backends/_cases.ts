import type { RunRequest } from '../../src/backends/backend.ts';
import type { ViewComfyOptions } from '../../src/backends/viewcomfy.ts';
import type { BackendError } from '../../src/errors.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import type { Reply, Service } from './_service.ts';
import { output, PIXELS, resultOf, SECRETS, stream, type AnyReply, type Bench } from './_viewcomfy.ts';

/** What ViewComfy answers, and what is to come of it. */
export interface Case {
  readonly title: string;
  readonly mode?: ViewComfyOptions['mode'];
  readonly replies: readonly AnyReply[];
  readonly request?: Partial<RunRequest>;
  /** the names of the files, or the error */
  readonly ends: readonly string[] | Partial<BackendError>;
  /** what is told before the files */
  readonly tells?: readonly object[];
  /** what is true of the service after all */
  readonly holds?: (service: Service) => boolean;
}

/** Runs it once, and tells what is to be what. */
export async function play(bench: Bench, { mode = 'stream', replies, request, ends, tells }: Case) {
  const service = await bench.serve(...replies);
  const backend = bench.connect(service.url, { mode, apiUrl: service.url });
  const asked = { ...bench.desk.request, ...request };
  if (!isNames(ends)) return { service, outcome: await failureOf(backend, bench.desk, SECRETS, asked), expected: ends };
  const events = await collect(backend.run(asked));
  const names = (await expectFiles(bench.desk, events)).map(({ name }) => name);
  const told = events.slice(0, -names.length);
  return { service, outcome: { names, told }, expected: { names: ends, ...(tells && { told: tells }) } };
}

function isNames(ends: Case['ends']): ends is readonly string[] {
  return Array.isArray(ends);
}

/** The name of the one file of a result. */
export const FILE = ['Image_1_00001_.png'];
export const RESULT: [string, string] = ['prompt_result', resultOf()];
export const whole = { body: stream(RESULT) } satisfies Reply;

export const log = (line: string) => ({ type: 'log-line', line });
export const json = (body: string, status = 201): Reply => ({ status, contentType: 'application/json', body });
export const text = (status: number, body: string, contentType = 'text/plain'): Reply => ({
  status,
  contentType,
  body,
});
export const moved = (status: number, location: string): Reply => ({ status, headers: { location } });
export const result = (...fields: Parameters<typeof resultOf>): Reply => ({
  body: stream(['prompt_result', resultOf(...fields)]),
});

/** What the API says to a run that it takes, and then of that run and those `before` it. */
export const taken = json('{"data":{"message":"ok","workflow":{}}}');
export const history =
  (fields: object, before: readonly object[] = []): AnyReply =>
  ({ url }) => {
    const promptId = new URLSearchParams(url.split('?')[1]).get('prompt_ids');
    return json(JSON.stringify([...before, { promptId, ...fields }]), 200);
  };
export const succeeded = {
  status: 'success',
  completed: true,
  outputs: [{ filename: 'Image_1_00001_.png', contentType: 'image/png', data: PIXELS.toString('base64') }],
};
export const onePost = ({ seen }: Service) =>
  seen.filter(({ method, url }) => method === 'POST' && url === '/infer').length === 1;

/** A result with one file of so many bytes, in a thousand pieces. */
export function large(bytes: number): Reply {
  const data = Buffer.alloc(bytes, 7).toString('base64');
  const body = stream(['prompt_result', resultOf([output({ data, size: bytes })])]);
  const length = Math.ceil(body.length / 1000);
  return { body: Array.from({ length: 1000 }, (_, index) => body.slice(index * length, (index + 1) * length)) };
}
