import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { readDefaultFiles } from '../../src/answers.ts';
import { createInputs } from '../../src/discord/inputs.ts';
import { createSpool } from '../../src/spool.ts';

/** A CDN that answers as the test says; its requests are counted. */
async function openCdn(answer: RequestListener) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    origin,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a picture that came with a command', () => {
  let folder: string;
  let dispatcher: Agent;
  let cdn: Awaited<ReturnType<typeof openCdn>> | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-inputs-'));
    dispatcher = new Agent();
  });
  afterEach(async () => {
    await dispatcher.close();
    await cdn?.close();
    await rm(folder, { recursive: true });
  });

  async function read(answer: RequestListener, { url, size = 1000 }: { url?: string; size?: number } = {}) {
    cdn = await openCdn(answer);
    const spool = await createSpool(folder);
    const inputs = createInputs({
      spool,
      limits: { maxBytes: 50_000, maxPixels: 1_000_000 },
      extraOrigins: [cdn.origin],
      defaults: await readDefaultFiles([character]),
      dispatcher,
      log: pino({ level: 'silent' }),
    });
    const attachment = {
      id: '1',
      filename: '../../My Face!.PNG',
      size,
      url: url ?? `${cdn.origin}/ephemeral-attachments/1/2/face.png?ex=1`,
      proxy_url: '',
    };
    const values = new Map<string, string>([
      ['prompt', 'a pilot'],
      ['character', '1'],
    ]);
    return await inputs.read('job', character, { values, resolved: { attachments: { '1': attachment } } });
  }

  it('is fetched, cleaned and copied, under a name of ours', async () => {
    const body = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#468' } })
      .jpeg()
      .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
      .toBuffer();
    const answers = await read((_request, response) => response.end(body));
    expect(answers['character']).toMatchObject({ name: 'my_face_.jpg', mediaType: 'image/jpeg' });
    const stored = answers['character'];
    const path = typeof stored === 'object' ? stored.path : '';
    expect(path.startsWith(folder)).toBe(true);
    const { exif, width } = await sharp(await readFile(path)).metadata();
    expect({ exif, width }).toEqual({ exif: undefined, width: 300 });
  });

  it.each([
    'https://evil.example/face.png',
    'https://cdn.discordapp.com.evil.example/face.png',
    'http://cdn.discordapp.com/face.png',
    'file:///etc/passwd',
    'not an address',
  ])('is not fetched from %s', async (url) => {
    await expect(read((_request, response) => response.end('x'), { url })).rejects.toThrow(
      /does not come from Discord/,
    );
    expect(cdn?.requests()).toBe(0);
  });

  it('is not fetched when Discord says that it is too large', async () => {
    await expect(read((_request, response) => response.end('x'), { size: 60_000 })).rejects.toThrow(
      /at most 48\.8 KiB|49 KiB/,
    );
    expect(cdn?.requests()).toBe(0);
  });

  it('is cut off when it is larger than Discord said', async () => {
    let closed = false;
    const endless: RequestListener = (_request, response) => {
      response.on('close', () => (closed = true));
      const chunk = Buffer.alloc(16_384);
      const write = () => {
        while (!response.destroyed && response.write(chunk));
        response.once('drain', write);
      };
      write();
    };
    await expect(read(endless)).rejects.toThrow(/at most/);
    await expect.poll(() => closed).toBe(true);
  });

  it('is not followed to another place', async () => {
    const redirect: RequestListener = (request, response) => {
      response.writeHead(302, { location: request.url?.startsWith('/elsewhere') ? '/' : '/elsewhere' }).end();
    };
    await expect(read(redirect)).rejects.toThrow(/did not hand this file over/);
    expect(cdn?.requests()).toBe(1);
  });

  it('leaves nothing on disk when it cannot be used', async () => {
    await expect(read((_request, response) => response.end('words'))).rejects.toThrow(/cannot be used/);
    const left = await readdir(join(folder, String(process.pid))).catch(() => []);
    expect(left).toEqual([]);
  });
});
