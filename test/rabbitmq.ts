import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findProgram } from './program.ts';

/** Not the one in /usr/sbin: that is a wrapper which wants to be root, and runs in the system's own folders. */
const usualPaths = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
];

const hint =
  'No RabbitMQ was found for the tests of ComfyUI workers. On Debian or Ubuntu: apt-get install rabbitmq-server (it ' +
  'need not run). Anywhere else: set RABBITMQ_SERVER_PATH to its rabbitmq-server.';

/** The path of a RabbitMQ on this machine, if there is one. */
export function findRabbitMq(): string | undefined {
  return findProgram({ variable: 'RABBITMQ_SERVER_PATH', usualPaths, hint });
}

/**
 * The broker, and the directory of nodes that Erlang wants beside it and would leave behind for ever. They end together,
 * and with the tests however these end: then the shell's input is closed.
 */
const TOGETHER = 'epmd >/dev/null & ("$0"; kill -9 -- -$$) & cat >/dev/null; kill -9 -- -$$';

/** A broker of this test file alone, with folders, ports and names of its own. */
export interface RabbitMq {
  readonly url: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Ends it as a power cut does. What is not durable is gone. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same folders. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Takes some five seconds: once in a test file. */
export async function startRabbitMq(path: string, config: readonly string[] = []): Promise<RabbitMq> {
  const home = await mkdtemp(join(tmpdir(), 'troupe-rabbitmq-'));
  const [port = 0, distributionPort = 0, epmdPort = 0] = await freePorts(3);
  const credentials = { user: 'troupe', password: 'key-of-the-house' };
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `default_user = ${credentials.user}`,
    `default_pass = ${credentials.password}`,
    'log.console = true',
    'log.console.level = error',
    ...config,
  ];
  await writeFile(join(home, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  await writeFile(join(home, 'enabled_plugins'), '[].\n');
  await mkdir(join(home, 'log'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    LANG: 'C.UTF-8',
    // Where Erlang keeps the cookie that nodes know each other by.
    HOME: home,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `troupe-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: join(home, 'none'),
  };
  let broker: ChildProcess | undefined;
  let output = '';

  async function start(): Promise<void> {
    // A group of its own, so that everything in it can be ended at once.
    const child = spawn('sh', ['-c', TOGETHER, path], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.stdin.on('error', () => {});
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output = `${output}${chunk}`));
    broker = child;
    // Not vitest's own waiting: the benchmark of the backends starts a broker too.
    for (const until = Date.now() + 60_000; !(await speaks(port)); await setTimeout(50)) {
      const isOver = child.signalCode !== null || Date.now() > until;
      if (isOver) throw new Error(`RabbitMQ did not start:\n${output.slice(-2000)}`);
    }
  }

  async function kill(): Promise<void> {
    const child = broker;
    broker = undefined;
    if (child?.pid === undefined || child.signalCode !== null) return;
    const ended = once(child, 'close');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  async function close(): Promise<void> {
    await kill();
    // What Erlang started for itself ends when it notices, and may write until then.
    await rm(home, { recursive: true, force: true, maxRetries: 10 });
  }

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...credentials,
    url: `amqp://${credentials.user}:${credentials.password}@127.0.0.1:${port}`,
    port,
    kill,
    start,
    close,
  };
}

/** The port is open before the broker is: it is there when it answers. */
async function speaks(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]));
    await once(socket, 'data', { signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
