import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const SCRIPT = fileURLToPath(new URL('../../scripts/try.ts', import.meta.url));

const Summary = z.object({
  outcome: z.string(),
  backend: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: z.number() })).optional(),
  mayBeBilled: z.boolean().optional(),
});

/** `npm run try` as a process of its own, in a folder without a `.env`. */
export async function runTry(folder: string, args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PLAYGROUND_RUN_SECONDS: '0',
      PLAYGROUND_COLD_START_SECONDS: '0',
      ...environment,
    },
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code: Number(code), ...output };
}

/** The last line of what it printed. */
export function summaryOf({ out }: { out: string }): z.infer<typeof Summary> {
  return Summary.parse(JSON.parse(out.trim().split('\n').at(-1) ?? ''));
}
