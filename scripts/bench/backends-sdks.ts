import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What ComfyUI is compared with: not among the bot's dependencies, and never to be. */
const SDKS = ['@stable-canvas/comfyui-client@1.5.9', '@saintno/comfyui-sdk@0.3.1'] as const;

/** Some 200 packages. */
const INSTALL_MS = 180_000;

/** Puts the SDKs into a folder below `home`; undefined where they cannot be had. */
export async function installSdks(home: string, tell: (progress: string) => void): Promise<string | undefined> {
  const folder = await mkdtemp(join(home, 'sdks-'));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  tell(`installing ${SDKS.join(' and ')} into a temporary folder`);
  try {
    const flags = ['--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...flags, ...SDKS], { cwd: folder, timeout: INSTALL_MS });
    return folder;
  } catch {
    tell('The SDKs are left out: npm could not fetch them. Is the registry within reach?');
    return undefined;
  }
}
