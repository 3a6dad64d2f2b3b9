import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { eventually } from '../eventually.ts';

const script = fileURLToPath(new URL('../../src/playground/comfyui-worker/process.ts', import.meta.url));

export interface WorkerProcess {
  /** everything that happened, as words */
  readonly heard: readonly string[];
  /** as the kernel does it when memory is short */
  kill(): Promise<void>;
}

/** A worker that can be killed. Resolves when it is ready. */
export async function startWorkerProcess(options: object): Promise<WorkerProcess> {
  const heard: string[] = [];
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => heard.push(line));
  await eventually(() => expect(heard).toContain('ready'));
  return {
    heard,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
