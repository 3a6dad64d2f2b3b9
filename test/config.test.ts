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
    expect(config.backend).toEqual({ type: 'local-viewcomfy', runMs: 15_000, coldStartMs: 2000 });
    expect(config.limits).toEqual({ runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 2_400_000 });
  });

  it('takes Discord and ViewComfy each without the other', () => {
    expect(parseConfig({ DISCORD_TOKEN: 'token' })).toMatchObject({
      discord: { type: 'discord' },
      backend: { type: 'local-viewcomfy' },
    });
    expect(parseConfig(viewcomfy)).toMatchObject({ discord: { type: 'playground' }, backend: { type: 'viewcomfy' } });
  });

  it('names every variable that is wrong, and what is wrong with it', () => {
    const problem = problemOf({ RUNNING_PER_USER: 'many', PLAYGROUND_PORT: '70000', VIEWCOMFY_URL: 'run.example' });
    expect(problem).toContain('RUNNING_PER_USER must be a number');
    expect(problem).toContain('PLAYGROUND_PORT must be at most 65535');
    expect(problem).toContain('VIEWCOMFY_URL must be');
  });

  it('takes how ViewComfy is spoken to, and nothing else for it', () => {
    expect(parseConfig(viewcomfy).backend).toEqual({
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
    expect(parseConfig({ ...viewcomfy, ...polled }).backend).toMatchObject({
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
    const source = readFileSync(new URL('../src/config.ts', import.meta.url), 'utf8');
    const read = [...source.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => String(name));
    expect(Object.keys(variables).toSorted()).toEqual(read.toSorted());
  });
});
