import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../src/config.ts';

const viewcomfy = {
  VIEWCOMFY_URL: 'https://run.example/infer',
  VIEWCOMFY_CLIENT_ID: 'id',
  VIEWCOMFY_CLIENT_SECRET: 'secret',
};

function problemOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return '';
}

describe('the configuration', () => {
  it('of nothing is the playground with its own ViewComfy', () => {
    const config = parseConfig({});
    expect(config.discord).toEqual({ type: 'playground', host: '127.0.0.1', port: 3000 });
    expect(config.backends).toEqual([{ type: 'local-viewcomfy', runMs: 15_000, coldStartMs: 2000 }]);
    expect(config.limits).toEqual({ runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 2_400_000 });
  });

  it('takes Discord and ViewComfy each without the other', () => {
    expect(parseConfig({ DISCORD_TOKEN: 'token' })).toMatchObject({
      discord: { type: 'discord' },
      backends: [{ type: 'local-viewcomfy' }],
    });
    expect(parseConfig(viewcomfy)).toMatchObject({
      discord: { type: 'playground' },
      backends: [{ type: 'viewcomfy' }],
    });
  });

  it('names every variable that is wrong, and what is wrong with it', () => {
    const problem = problemOf({ RUNNING_PER_USER: 'many', PLAYGROUND_PORT: '70000', VIEWCOMFY_URL: 'run.example' });
    expect(problem).toContain('RUNNING_PER_USER must be a number');
    expect(problem).toContain('PLAYGROUND_PORT must be at most 65535');
    expect(problem).toContain('VIEWCOMFY_URL must be');
  });

  it('takes names of commands as people write them', () => {
    expect(parseConfig({ COMMANDS: '/character, portrait' }).commands).toEqual(['character', 'portrait']);
    expect(parseConfig({ COMMANDS: 'character,' }).commands).toEqual(['character']);
    expect(() => parseConfig({ COMMANDS: ',' })).toThrow('COMMANDS must name commands, such as character');
    expect(parseConfig({ COMMANDS: ' ' })).not.toHaveProperty('commands');
  });

  it('takes how ViewComfy is spoken to, and nothing else for it', () => {
    expect(parseConfig(viewcomfy).backends[0]).toEqual({
      type: 'viewcomfy',
      url: viewcomfy.VIEWCOMFY_URL,
      clientId: 'id',
      clientSecret: 'secret',
    });
    const polled = {
      VIEWCOMFY_API_URL: 'https://api.example/api/workflow/infer',
      VIEWCOMFY_MODE: 'poll',
      VIEWCOMFY_RESULT_HOSTS: '*.storage.example, files.example',
    };
    expect(parseConfig({ ...viewcomfy, ...polled }).backends[0]).toMatchObject({
      apiUrl: 'https://api.example/api/workflow/infer',
      mode: 'poll',
      resultHosts: ['*.storage.example', 'files.example'],
    });
    const problem = problemOf({
      ...viewcomfy,
      VIEWCOMFY_API_URL: 'api.example',
      VIEWCOMFY_MODE: 'socket',
      VIEWCOMFY_RESULT_HOSTS: 'https://files.example/a',
    });
    expect(problem).toContain('VIEWCOMFY_API_URL must be');
    expect(problem).toContain('VIEWCOMFY_MODE must be stream, plain or poll');
    expect(problem).toMatch(/VIEWCOMFY_RESULT_HOSTS must be names of hosts/);
  });

  it('says which of the three ViewComfy variables is missing', () => {
    expect(problemOf({ ...viewcomfy, VIEWCOMFY_CLIENT_SECRET: ' ' })).toMatch(/^VIEWCOMFY_CLIENT_SECRET is missing/);
    const problems = problemOf({ VIEWCOMFY_MODE: 'poll' }).split('\n');
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(Object.keys(viewcomfy));
  });

  it('of .env.example is the one of nothing, and the file names every variable', () => {
    const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
    const variables = Object.fromEntries(
      [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    expect(parseConfig(variables)).toEqual(parseConfig({}));
    const source = ['config.ts', 'config-backends.ts']
      .map((name) => readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8'))
      .join('\n');
    const read = [...source.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => String(name));
    expect(Object.keys(variables).toSorted()).toEqual(read.toSorted());
  });

  it('takes any backend by its variables alone, and asks which when there are several', () => {
    const comfyui = { COMFYUI_URL: 'http://10.0.0.1:8188, http://10.0.0.2:8188', COMFYUI_HEADERS: '{"x-key":"k"}' };
    expect(parseConfig(comfyui).backends).toEqual([
      {
        type: 'comfyui',
        headers: { 'x-key': 'k' },
        servers: { urls: ['http://10.0.0.1:8188', 'http://10.0.0.2:8188'] },
      },
    ]);
    expect(parseConfig({ COMFYUI_DIR: '/opt/ComfyUI', COMFYUI_ARGS: '--lowvram --cpu' }).backends).toEqual([
      { type: 'comfyui', servers: { dir: '/opt/ComfyUI', args: ['--lowvram', '--cpu'] } },
    ]);
    expect(parseConfig({ AMQP_URL: 'amqp://a:b@10.0.0.1' }).backends).toMatchObject([{ type: 'amqp' }]);
    expect(parseConfig({ SEGMIND_API_KEY: 'key' }).backends).toMatchObject([{ type: 'segmind', requestsPerJob: 1 }]);
    expect(problemOf({ ...viewcomfy, ...comfyui })).toContain('BACKENDS=viewcomfy,comfyui');
    expect(parseConfig({ ...viewcomfy, ...comfyui, BACKEND: 'comfyui' }).backends).toMatchObject([{ type: 'comfyui' }]);
    const both = parseConfig({ ...viewcomfy, ...comfyui, BACKENDS: 'comfyui, viewcomfy' });
    expect(both.backends.map(({ type }) => type)).toEqual(['comfyui', 'viewcomfy']);
    expect(parseConfig({ ...viewcomfy, BACKENDS: 'local-viewcomfy' }).backends).toMatchObject([
      { type: 'local-viewcomfy' },
    ]);
  });

  it.for([
    [{ BACKENDS: 'comfyui' }, 'COMFYUI_URL is missing'],
    [{ BACKENDS: 'amqp' }, 'AMQP_URL is missing'],
    [{ BACKENDS: 'segmind' }, 'SEGMIND_API_KEY is missing'],
    [{ BACKENDS: 'midjourney' }, 'BACKENDS must name viewcomfy, comfyui'],
    [{ COMFYUI_URL: 'http://a', COMFYUI_DIR: '/b' }, 'COMFYUI_URL and COMFYUI_DIR'],
    [{ COMFYUI_URL: 'http://a', COMFYUI_HEADERS: 'authorization: x' }, 'COMFYUI_HEADERS must be JSON'],
    [{ AMQP_URL: 'http://a' }, 'AMQP_URL must be an address such as amqp://'],
    [{ BACKEND: 'comfyui', BACKENDS: 'comfyui' }, 'BACKEND and BACKENDS'],
  ] satisfies [Record<string, string>, string][])('says what is wrong with %j', ([environment, problem]) => {
    expect(problemOf(environment)).toContain(problem);
  });

  it('takes how large a video or a sound may be, as far as Discord lets anybody send one', () => {
    const MIB = 1024 * 1024;
    expect(parseConfig({}).media).toEqual({ maxBytes: 100 * MIB });
    expect(parseConfig({ MEDIA_MAX_MIB: '2.5' }).media).toEqual({ maxBytes: 2.5 * MIB });
    expect(problemOf({ MEDIA_MAX_MIB: '501' })).toBe('MEDIA_MAX_MIB must be at most 500');
    expect(problemOf({ MEDIA_MAX_MIB: '0' })).toBe('MEDIA_MAX_MIB must be at least 1');
  });

  it('lets nothing of its own reach a program that it starts', () => {
    const { childEnvironment } = parseConfig({ PATH: '/bin', DISCORD_TOKEN: 'secret', SEGMIND_API_KEY: 'secret' });
    expect(childEnvironment).toEqual({ PATH: '/bin' });
  });
});
