// Installs and compiles the checkout if something has changed; takes a tenth of a second otherwise. An
// installed package is already compiled, and npm has installed its dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const checkoutFolder = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const SOURCES = ['worker.ts', 'client', 'workflows', 'activities', 'domain', 'test', 'bench'];

/** Brings node_modules and dist of a checkout up to date. Returns the URL of the compiled command line. */
export async function prepareCheckout(root) {
  const entry = pathToFileURL(path.join(root, 'dist', 'client', 'cli.js')).href;
  if (!isCheckout(root)) return entry;
  if (!isInstalled(root) || !isBuilt(root)) {
    const unlock = await lock(path.join(root, '.sam-mil', 'set-up.lock'));
    try {
      // Checked again, because the previous holder of the lock may have done the work.
      if (!isInstalled(root)) await install(root);
      if (!isBuilt(root)) await build(root);
    } finally {
      unlock();
    }
  }
  linkOwnBin(root);
  return entry;
}

/** The published package contains neither the sources nor their compiler configuration. */
function isCheckout(root) {
  return fs.existsSync(path.join(root, 'tsconfig.json'));
}

// --- node_modules ---

function installStamp(root) {
  return path.join(root, 'node_modules', '.sam-mil-install');
}

function requiredInstall(root) {
  return digest([fs.readFileSync(path.join(root, 'package-lock.json')), process.platform, process.arch]);
}

/**
 * True if installed by us (the stamp matches the lock file) or by the user's own npm (its list has the same
 * versions).
 */
function isInstalled(root) {
  if (readOr(installStamp(root), '') === requiredInstall(root)) return true;
  if (!isInstalledByNpm(root)) return false;
  fs.writeFileSync(installStamp(root), requiredInstall(root));
  return true;
}

function isInstalledByNpm(root) {
  const installed = readOr(path.join(root, 'node_modules', '.package-lock.json'), '');
  if (installed === '') return false;
  const actual = JSON.parse(installed).packages;
  const expected = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(expected).every(
    ([name, entry]) =>
      name === '' ||
      entry.optional ||
      (actual[name] && actual[name].version === entry.version && fs.existsSync(path.join(root, name))),
  );
}

async function install(root) {
  const modules = path.join(root, 'node_modules');
  if (fs.existsSync(modules) && fs.lstatSync(modules).isSymbolicLink()) {
    throw new Error(
      `${modules} is a symbolic link and does not match package-lock.json. Next: run \`npm ci\` in the folder it points to`,
    );
  }
  say('installing dependencies (npm ci; once, 10-40 s, 430 MB)');
  await run(
    'npm',
    ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    root,
  );
  fs.writeFileSync(installStamp(root), requiredInstall(root));
}

/**
 * npm links only the bins of dependencies; this link lets `npx sam-mil` find the checkout's own command
 * immediately.
 */
function linkOwnBin(root) {
  const link = path.join(root, 'node_modules', '.bin', 'sam-mil');
  if (process.platform === 'win32' || fs.existsSync(link)) return;
  try {
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(path.join('..', '..', 'client', 'sam-mil.mjs'), link);
  } catch {
    // Optional: without the link npx is slower. Another process may also have just created it.
  }
}

// --- dist ---

function buildStamp(root) {
  return path.join(root, 'dist', '.sam-mil-build');
}

function requiredBuild(root) {
  const files = ['tsconfig.json', 'package-lock.json', ...SOURCES.flatMap((name) => filesUnder(root, name))];
  return digest(files.flatMap((file) => [file, fs.readFileSync(path.join(root, file))]));
}

function isBuilt(root) {
  return readOr(buildStamp(root), '') === requiredBuild(root);
}

async function build(root) {
  say('compiling the sources (10-20 s the first time)');
  const required = requiredBuild(root);
  await run(
    process.execPath,
    [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', root],
    root,
  );
  removeOrphans(root);
  fs.writeFileSync(buildStamp(root), required);
}

/** tsc does not delete the output of a deleted source; a deleted test would still run. */
function removeOrphans(root) {
  const sources = new Set(SOURCES.flatMap((name) => filesUnder(root, name)));
  for (const file of filesUnder(path.join(root, 'dist'), '.')) {
    const source = file.replace(/(\.d\.ts|\.js(\.map)?)$/, '.ts');
    if (source !== file && !sources.has(source)) fs.rmSync(path.join(root, 'dist', file));
  }
}

/** Returns the sources (or, in dist, the outputs) below a folder, sorted, relative to `root`. */
function filesUnder(root, name) {
  const start = path.join(root, name);
  if (!fs.existsSync(start)) return [];
  if (fs.statSync(start).isFile()) return [name];
  return fs
    .readdirSync(start, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|js\.map|json)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath || entry.path, entry.name)))
    .sort();
}

// --- lock ---

const STALE_MILLISECONDS = 30_000;

/**
 * Admits one process at a time. The holder touches the file every five seconds; an untouched file belongs to
 * a dead process.
 */
async function lock(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const mine = `${os.hostname()} ${process.pid} ${Math.random()}`;
  for (let reported = false; !tryLock(file, mine); reported = true) {
    if (!reported) say('another sam-mil process is setting up this checkout: waiting for it');
    await new Promise((done) => setTimeout(done, 300));
    breakIfDead(file);
  }
  const touch = setInterval(() => fs.utimes(file, new Date(), new Date(), () => undefined), 5000);
  const unlock = () => {
    clearInterval(touch);
    if (readOr(file, '') === mine) fs.rmSync(file, { force: true });
    process.off('exit', unlock);
  };
  process.on('exit', unlock);
  return unlock;
}

function tryLock(file, mine) {
  try {
    fs.writeFileSync(file, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function breakIfDead(file) {
  const content = readOr(file, '');
  const [host, pid] = content.split(' ');
  if (!isUntouched(file) && !isDead(host, Number(pid))) return;
  // Renamed first, so that only one of two processes removes it, and a lock taken meanwhile is noticed and
  // restored.
  const taken = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, taken);
    if (readOr(taken, '') !== content) fs.linkSync(taken, file);
    fs.rmSync(taken);
  } catch {
    // Another process was faster.
  }
}

function isDead(host, pid) {
  if (host !== os.hostname() || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function isUntouched(file) {
  try {
    return Date.now() - fs.statSync(file).mtimeMs > STALE_MILLISECONDS;
  } catch {
    return false;
  }
}

// --- small things ---

function run(program, args, cwd) {
  return new Promise((done, fail) => {
    // Output goes to stderr: `sam-mil ... --json` keeps stdout for its objects.
    const child = spawn(program, args, { cwd, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
    child.on('error', (error) =>
      fail(new Error(`${program} could not be started: ${error.message}. Next: install it`)),
    );
    child.on('close', (code) => {
      if (code === 0) done();
      else
        fail(
          new Error(
            `\`${path.basename(program)} ${args.join(' ')}\` failed with exit code ${code}; its output is above`,
          ),
        );
    });
  });
}

function say(text) {
  console.error(`sam-mil: ${text}`);
}

function readOr(file, fallback) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}

function digest(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
