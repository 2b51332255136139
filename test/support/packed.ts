import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { nativeCacheFolder } from '../../domain/machine/cache-folder.js';
import { type CommandOptions, type CommandResult, runCommand } from '../../domain/machine/run-command.js';
import { checkout } from './fixtures.js';
import { scratchFolder } from './scratch-folder.js';

/** A user's project with this package installed from its tarball. */
export interface PackedProject {
  folder: string;
  /** An empty HOME with this machine's cache of native parts, so that no server is built for a test. */
  env: NodeJS.ProcessEnv;
  /** Runs a program in the project, found as npm's scripts find it: those of its node_modules first. */
  run(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** `npx sam-mil <args>`. */
  samMil(...args: string[]): Promise<CommandResult>;
  /** The same project run by another Node. */
  on(node: string): PackedProject;
}

const destination = scratchFolder();
let tarball: Promise<string> | undefined;

/** Path of this package's tarball, packed from the compiled checkout on the first call in a test process. */
export function packOnce(): Promise<string> {
  tarball ??= pack();
  return tarball;
}

async function pack(): Promise<string> {
  // The checkout is already compiled when a test runs.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const { stdout } = await succeed('npm', args, { cwd: checkout });
  const [name] = /[\w.-]+\.tgz/.exec(stdout) ?? [];
  if (name === undefined) throw new Error(`npm pack named no file:\n${stdout}`);
  return join(destination, name);
}

/**
 * Installs the tarball into an empty folder with a plain `npm install`: no flags, scripts on, an empty HOME.
 * Only npm's cache and registry are this machine's.
 *
 * @param extraDependencies further packages of the project, by name: a version, or `file:` and a path
 */
export async function installPacked(
  folder: string,
  extraDependencies: Readonly<Record<string, string>> = {},
): Promise<PackedProject> {
  const home = join(folder, '.home');
  mkdirSync(home, { recursive: true });
  const dependencies = { 'sam-mil': `file:${await packOnce()}`, ...extraDependencies };
  const manifest = { name: 'somebody-elses-project', private: true, type: 'module', dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const env = await strangersEnvironment(home);
  await succeed('npm', ['install'], { cwd: folder, env });
  return projectIn(folder, env);
}

function projectIn(folder: string, env: NodeJS.ProcessEnv): PackedProject {
  const path = [join(folder, 'node_modules', '.bin'), env.PATH].join(delimiter);
  const run = (program: string, args: readonly string[], options: CommandOptions = {}) =>
    runCommand(program, args, { cwd: folder, ...options, env: { ...env, PATH: path, ...options.env } });
  return {
    folder,
    env,
    run,
    samMil: (...args) => run('npx', ['sam-mil', ...args]),
    on: (node) => projectIn(folder, { ...env, PATH: [dirname(node), env.PATH].join(delimiter) }),
  };
}

/**
 * Removes the variables that npm sets for its scripts: under `npm test` they would lead a child to the
 * checkout.
 */
async function strangersEnvironment(home: string): Promise<NodeJS.ProcessEnv> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|INIT_CWD$|NODE_OPTIONS$|NODE_TEST|XDG_|SAM_MIL_|TEMPORAL_|FORCE_COLOR$)/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    NO_COLOR: '1',
    // The Node that runs the test, whatever else is installed.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    SAM_MIL_CACHE: nativeCacheFolder(),
    SAM_MIL_STATE: join(home, 'state'),
    npm_config_cache: await npmSetting('cache'),
    npm_config_registry: await npmSetting('registry'),
  };
}

async function npmSetting(name: string): Promise<string> {
  return (await succeed('npm', ['config', 'get', name], { cwd: checkout })).stdout.trim();
}

async function succeed(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await runCommand(program, args, options);
  if (result.code === 0) return result;
  throw new Error(
    `${program} ${args.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`,
  );
}
