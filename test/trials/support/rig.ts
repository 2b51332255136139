import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { eventually } from '../../support/processes.js';
import type { Launch } from '../../support/cli.js';
import type { Command } from './command.js';
import { freePort } from '../../support/server.js';
import { Relay, type Line } from '../../support/relay.js';
import { TRIAL_PIPELINE } from './reference.js';
import { listed } from './work-folder.js';
import type { Scene } from './scene.js';

/** A server, a worker and clients of one user, each a separate process, with one state folder. */
export class Rig {
  readonly scene: Scene;
  readonly folder: string;
  /** Work folder of its runs. */
  work: string;
  server: Command | undefined;
  worker: Command | undefined;
  private port: number | undefined;
  private readonly launch: Launch;
  private readonly name: string;

  /**
   * @param name of its folder in the scene
   * @param options `port` of the server, default a free one; `launch` of all its commands
   */
  constructor(scene: Scene, name = 'rig', options: { port?: number; launch?: Launch } = {}) {
    this.scene = scene;
    this.name = name;
    this.folder = join(scene.folder, name);
    this.work = join(this.folder, 'work');
    this.port = options.port;
    this.launch = options.launch ?? {};
    mkdirSync(this.folder, { recursive: true });
  }

  /** Starts any command with the rig's state folder. `log` names the file that keeps its output. */
  start(log: string, args: readonly string[], launch: Launch = this.launch): Command {
    return this.scene.start(`${this.name}-${log}`, this.folder, args, launch);
  }

  /** Server and worker; resolves when both serve. */
  async up(...workerArgs: string[]): Promise<void> {
    await this.startServer();
    await this.startWorker(...workerArgs);
  }

  /** A restarted server keeps its ports, so that workers and clients find it again. */
  async startServer(launch?: Launch): Promise<void> {
    this.port ??= await freePort();
    this.server = this.start('server', ['server', '--port', `${this.port}`], launch);
    await this.server.says(/address +127\.0\.0\.1:\d+/);
  }

  async startWorker(...args: string[]): Promise<void> {
    await this.launchWorker(args);
  }

  /** As {@link startWorker}, with a relay between the worker and the server. */
  async startWorkerThrough(relay: Relay): Promise<void> {
    await this.launchWorker(addressOf(relay), this.credentials);
  }

  private async launchWorker(args: readonly string[], launch?: Launch): Promise<void> {
    this.worker = this.start('worker', ['worker', '--no-set-up', ...args], launch);
    await this.worker.says(/worker serves/);
  }

  /** A relay to the server; it ends with the scene. */
  async relay(line?: Line): Promise<Relay> {
    const { random } = this.scene;
    const relay = await Relay.open({ host: '127.0.0.1', port: this.port ?? 0 }, { line, random });
    this.scene.atEnd(() => relay.close());
    return relay;
  }

  /** Starts a run of the trial pipeline in the work folder. */
  run(...args: string[]): Command {
    return this.runFile(TRIAL_PIPELINE, ...args);
  }

  /** As {@link run}, with a relay between the client and the server. */
  runThrough(relay: Relay): Command {
    const args = ['run', TRIAL_PIPELINE, '--no-worker', '--work', this.work, ...addressOf(relay)];
    return this.start('client', args, this.credentials);
  }

  runFile(file: string, ...args: string[]): Command {
    return this.start('client', ['run', file, '--no-worker', '--work', this.work, ...args]);
  }

  /** Continues the newest run of the work folder. */
  resume(...args: string[]): Command {
    return this.start('client', ['resume', 'latest', '--no-worker', '--work', this.work, ...args]);
  }

  /** Process id of the embedded server, which `sam-mil server` starts; undefined if it is not running. */
  get serverPid(): number | undefined {
    try {
      const record = readFileSync(join(this.folder, 'state', 'server.json'), 'utf8');
      const { pid } = JSON.parse(record) as { pid: number };
      return isProcessAlive(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** A command that names another address than the server's own is told where its credentials are. */
  private get credentials(): Launch {
    return { environment: { TEMPORAL_CONFIG_FILE: join(this.folder, 'state', 'temporal.toml') } };
  }

  /** Ends worker and server as an operator would. */
  async down(): Promise<void> {
    await this.worker?.stop();
    await this.server?.stop();
  }

  /** {@link down}, then expects that nothing of the scene is left running. */
  async expectGone(): Promise<void> {
    await this.down();
    const left = () => this.scene.processes;
    await eventually('all processes end', () => left().length === 0, 10_000).catch(() => undefined);
    const lines = left().map(({ pid, command }) => `${pid} ${command.slice(0, 100)}`);
    this.scene.expect(lines.length === 0, 'no process is left running', listed(lines));
  }
}

function addressOf(relay: Relay): string[] {
  return ['--address', `127.0.0.1:${relay.port}`];
}
