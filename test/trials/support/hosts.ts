import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Scene } from './scene.js';

const RELAY = fileURLToPath(new URL('./relay-process.js', import.meta.url));
const PORT = 7233;

/**
 * Hosts in network namespaces, each with a cable to the one where the server runs. The server keeps its
 * loopback address: a relay beside it listens on the network, and a relay on each host listens at the
 * server's own loopback address. So every host uses the state folder as it is.
 */
export class Hosts {
  private readonly scene: Scene;
  private readonly id: string;

  /** @param port of the server on its loopback */
  static async make(scene: Scene, names: readonly string[], port: number): Promise<Hosts> {
    const hosts = new Hosts(scene);
    scene.atEnd(() =>
      ['srv', ...names].forEach((name) => spawnSync('ip', ['netns', 'del', hosts.namespace(name)])),
    );
    hosts.ip('netns', 'add', hosts.namespace('srv'));
    hosts.ip('-n', hosts.namespace('srv'), 'link', 'set', 'lo', 'up');
    for (const [index, name] of names.entries()) hosts.connect(name, index + 1);
    await hosts.relay('srv', ['0.0.0.0', PORT], ['127.0.0.1', port]);
    for (const [index, name] of names.entries())
      await hosts.relay(name, ['127.0.0.1', port], [`10.77.${index + 1}.1`, PORT]);
    return hosts;
  }

  private constructor(scene: Scene) {
    this.scene = scene;
    this.id = `t${process.pid}`;
  }

  /** Command that runs another one on a host. */
  on(name: string): string[] {
    return ['ip', 'netns', 'exec', this.namespace(name)];
  }

  cut(name: string): void {
    this.ip('-n', this.namespace('srv'), 'link', 'set', `v${name}`, 'down');
    this.scene.disturbed('unplug', name);
  }

  restore(name: string): void {
    this.ip('-n', this.namespace('srv'), 'link', 'set', `v${name}`, 'up');
  }

  private connect(name: string, network: number): void {
    const [own, server] = [this.namespace(name), this.namespace('srv')];
    this.ip('netns', 'add', own);
    this.ip('-n', own, 'link', 'set', 'lo', 'up');
    const peer = ['peer', 'name', 'eth0', 'netns', own];
    this.ip('link', 'add', `v${name}`, 'netns', server, 'type', 'veth', ...peer);
    this.ip('-n', server, 'addr', 'add', `10.77.${network}.1/24`, 'dev', `v${name}`);
    this.ip('-n', server, 'link', 'set', `v${name}`, 'up');
    this.ip('-n', own, 'addr', 'add', `10.77.${network}.2/24`, 'dev', 'eth0');
    this.ip('-n', own, 'link', 'set', 'eth0', 'up');
  }

  private async relay(name: string, at: [string, number], target: [string, number]): Promise<void> {
    const [program, ...args] = [
      ...this.on(name),
      process.execPath,
      RELAY,
      ...at.map(String),
      ...target.map(String),
    ];
    const environment = { ...process.env, ...this.scene.environment };
    const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
  }

  private namespace(name: string): string {
    return `${this.id}${name}`;
  }

  private ip(...args: string[]): void {
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  }
}

/** Why this user may not make network namespaces; undefined if it may. */
export function hostsUnavailable(): string | undefined {
  const name = `t${process.pid}try`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  return made ? undefined : 'needs root and network namespaces (`ip netns add`)';
}
