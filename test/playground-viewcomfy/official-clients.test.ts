import { connect } from 'node:net';
import { expect, test } from 'vitest';

import { portrait, readResult, resultOf, send, startViewComfy } from './client.ts';

/**
 * Requests as the official clients put them on the wire, letter by letter but for the picture: the part orders, the
 * header names' case, the boundaries and the ends of the bodies are those of Node's fetch, Python's httpx and curl.
 */

const PARAMS =
  '{"594-inputs-string":"a woman with gr\u00fcne eyes","426-inputs-string":"forest","499-inputs-noise_seed":384340151733840}';
/** Python's JSON is ASCII, with spaces. */
const PYTHON_PARAMS =
  '{"594-inputs-string": "a woman with gr\\u00fcne eyes", "426-inputs-string": "forest", "499-inputs-noise_seed": 384340151733840}';
const PROMPT_ID = '3f2b8c1e-9d4a-4c6b-8e7f-0a1b2c3d4e5f';

interface Wire {
  readonly boundary: string;
  /** header lines, in their order and case */
  readonly headers: readonly string[];
  /** a name and a value; a picture where the value is missing */
  readonly parts: readonly (readonly [string, string?])[];
}

const nodeFetch = (parts: Wire['parts']): Wire => ({
  boundary: '----formdata-undici-058461729035',
  headers: [
    'connection: keep-alive',
    'client_id: id',
    'client_secret: secret',
    'content-type: multipart/form-data; boundary=----formdata-undici-058461729035',
    'accept: */*',
    'accept-language: *',
    'sec-fetch-mode: cors',
    'user-agent: node',
    'accept-encoding: gzip, deflate',
  ],
  parts,
});

const httpx = (parts: Wire['parts']): Wire => ({
  boundary: 'c0ffee00d15ea5e0decafbad0badf00d',
  headers: [
    'Accept: */*',
    'Accept-Encoding: gzip, deflate',
    'Connection: keep-alive',
    'User-Agent: python-httpx/0.28.1',
    'client_id: id',
    'client_secret: secret',
    'Content-Type: multipart/form-data; boundary=c0ffee00d15ea5e0decafbad0badf00d',
  ],
  parts,
});

const curl = (parts: Wire['parts']): Wire => ({
  boundary: '------------------------f8Qk2nZs1xYbWvTtR0aLpq',
  headers: [
    'User-Agent: curl/8.5.0',
    'Accept: */*',
    'client_id: id',
    'client_secret: secret',
    'Content-Type: multipart/form-data; boundary=------------------------f8Qk2nZs1xYbWvTtR0aLpq',
  ],
  parts,
});

const FILE = ['626-inputs-image'] as const;

function write({ boundary, parts }: Wire, picture: Buffer): Buffer {
  const pieces = parts.flatMap(([name, value]) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    value === undefined ? '; filename="character.png"\r\nContent-Type: image/png\r\n\r\n' : '\r\n\r\n',
    value ?? picture,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
}

/** Writes it on a socket, and reads until the server has nothing more to say. */
async function post(url: string, wire: Wire, framing: 'length' | 'chunked' = 'length') {
  const { hostname, port, pathname } = new URL(url);
  const body = write(wire, await portrait('#c33'));
  const socket = connect(Number(port), hostname);
  const framed =
    framing === 'length'
      ? body
      : Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
  const length = framing === 'length' ? `content-length: ${body.length}` : 'Transfer-Encoding: chunked';
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n${wire.headers.join('\r\n')}\r\n${length}\r\n\r\n`,
  );
  socket.write(framed);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) {
    answer += chunk;
    if (answer.endsWith('0\r\n\r\n') || /^content-length: /im.test(answer)) break;
  }
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  // Chunk sizes stand on lines of their own; the answers here hold none that look like them.
  const text = rest.join('\r\n\r\n').replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '');
  return { status: Number(head.split(' ')[1]), head, text };
}

const STREAMED: [string, Wire, 'length' | 'chunked'][] = [
  ['TypeScript', nodeFetch([FILE, ['params', PARAMS], ['logs', 'true']]), 'length'],
  ['Python', httpx([['logs', 'true'], ['params', PYTHON_PARAMS], ['workflow_api', ''], FILE]), 'length'],
  [
    'Python, of unknown length',
    httpx([['logs', 'true'], ['params', PYTHON_PARAMS], ['workflow_api', ''], FILE]),
    'chunked',
  ],
];

test.for(STREAMED)('generation 1 with logs, from %s', async ([, wire, framing]) => {
  const viewComfy = await startViewComfy({ pictureScale: 0.05 });
  const { status, head, text } = await post(viewComfy.url, wire, framing);
  expect(status).toBe(201);
  expect(head.toLowerCase()).toContain('content-type: text/event-stream');
  expect(resultOf(text)).toMatchObject({ status: 'success', completed: true });
  expect(viewComfy.runs[0]).toMatchObject({
    outcome: 'succeeded',
    logs: true,
    params: JSON.parse(PARAMS),
    files: [{ key: '626-inputs-image', filename: 'character.png', mediaType: 'image/png' }],
  });
});

const PLAIN: [string, Wire][] = [
  ['TypeScript', nodeFetch([FILE, ['params', PARAMS], ['logs', 'false']])],
  ['Python', httpx([['logs', 'false'], ['params', PYTHON_PARAMS], ['workflow_api', ''], FILE])],
  ['curl', curl([['logs', 'false'], ['params', PARAMS], FILE])],
];

test.for(PLAIN)('generation 1 without logs, from %s', async ([, wire]) => {
  const viewComfy = await startViewComfy({ pictureScale: 0.05 });
  const { status, text } = await post(viewComfy.url, wire);
  expect(status).toBe(201);
  expect(readResult(text.trim()).outputs?.length).toBeGreaterThan(3);
  expect(viewComfy.runs[0]).toMatchObject({ outcome: 'succeeded', logs: false, params: JSON.parse(PARAMS) });
});

test('a workflow of its own, from TypeScript, comes between the files and the parameters', async () => {
  const viewComfy = await startViewComfy({ pictureScale: 0.05 });
  const workflow = {
    '6': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'boat' } },
  };
  const wire = nodeFetch([
    ['workflow_api', JSON.stringify(workflow)],
    ['params', '{"6-inputs-text":"a boat"}'],
    ['logs', 'true'],
  ]);
  const { status, text } = await post(viewComfy.url, wire);
  expect(status).toBe(201);
  expect(resultOf(text).prompt).toMatchObject({ '6': { inputs: { text: 'a boat' } } });
});

test.for<[string, (url: string) => Wire]>([
  [
    'TypeScript, with a socket',
    (url) =>
      nodeFetch([FILE, ['params', PARAMS], ['prompt_id', PROMPT_ID], ['view_comfy_api_url', url], ['sid', 'kQ2xY7']]),
  ],
  ['Python', (url) => httpx([['params', PYTHON_PARAMS], ['prompt_id', PROMPT_ID], ['view_comfy_api_url', url], FILE])],
])('generation 2, from %s', async ([, wireTo]) => {
  const viewComfy = await startViewComfy({ pictureScale: 0.05 });
  const { status, text } = await post(viewComfy.apiUrl, wireTo(viewComfy.url));
  expect(status).toBe(201);
  expect(text).toContain(`"prompt_id":"${PROMPT_ID}"`);
  await expect
    .poll(async () => JSON.parse((await send(`${viewComfy.apiUrl}/?prompt_ids=${PROMPT_ID}`)).body))
    .toMatchObject([{ promptId: PROMPT_ID, completed: true, status: 'success' }]);
  expect(viewComfy.runs[0]).toMatchObject({ outcome: 'succeeded', params: JSON.parse(PARAMS) });
});
