import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Calls an exported function in a process of its own, which kills itself as soon as a file that ends in `.part` is in the
 * folder: it looks at every turn of its event loop, so that it is always in the middle.
 * @returns the signal that ended it; `null` where it came to its end
 */
export async function callAndKill(
  { module, name, folder }: { module: URL; name: string; folder: string },
  ...values: readonly (string | number)[]
): Promise<unknown> {
  const script = `
    import { readdirSync } from 'node:fs';
    import { ${name} } from ${JSON.stringify(module)};
    setImmediate(function look() {
      if (readdirSync(${JSON.stringify(folder)}).some((file) => file.endsWith('.part'))) process.kill(process.pid, 'SIGKILL');
      setImmediate(look).unref();
    });
    await ${name}(...${JSON.stringify(values)});
    process.exit();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const [, signal]: unknown[] = await once(child, 'exit');
  return signal;
}
