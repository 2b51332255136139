import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { digestOf, digestOfJson } from '../../domain/digest.js';
import type { PluginPlace } from './find-plugin.js';
import { PluginFault } from './plugin-fault.js';

const CODE: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs', '.wasm', '.node']);
const TYPESCRIPT: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts']);
const TEXT = /\.[cm]?[jt]s$/;
/** What `require` appends to a path, in its order. */
const ENDINGS = ['', '.js', '.json', '.node', '/index.js', '/index.json', '/index.node'];
/** More than this is data or a whole project; reading it would delay every start. */
const MOST_FILES = 2000;
const MOST_BYTES = 32 * 2 ** 20;

/**
 * Returns `sha256:<hex>` of a plugin's own code: for a package its name, version and code files, for a single
 * module the module, and for both the code and JSON files that they refer to by a relative path. Imports from
 * other packages are not read; `version` covers them. The digest does not depend on the location of the
 * files.
 * @throws PluginFault if the code is too large
 */
export function digestOfPlugin(place: PluginPlace): string {
  const code = new CodeFiles(place);
  if (place.package !== undefined) code.addFolder(place.path);
  code.add(place.entry);
  const root = place.package === undefined ? dirname(place.entry) : place.path;
  const files = [...code.digests].map(([path, digest]) => [
    relative(root, path).split(sep).join('/'),
    digest,
  ]);
  const entry = relative(root, place.entry).split(sep).join('/');
  return digestOfJson({
    ...place.package,
    entry,
    files: Object.fromEntries(files) as Record<string, string>,
  });
}

class CodeFiles {
  /** By absolute path. */
  readonly digests = new Map<string, string>();
  private readonly place: PluginPlace;
  private readonly kinds: ReadonlySet<string>;
  private bytes = 0;

  constructor(place: PluginPlace) {
    this.place = place;
    // A compiled package runs its JavaScript; its TypeScript sources may or may not be installed with it.
    this.kinds = TYPESCRIPT.has(extname(place.entry)) ? new Set([...CODE, ...TYPESCRIPT]) : CODE;
  }

  /** Adds every code file below a folder, except installed packages, hidden folders and work folders. */
  addFolder(folder: string): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !existsSync(join(path, '.runs'))) this.addFolder(path);
      if (this.kinds.has(extname(path)) && !path.endsWith('.d.ts') && isFile(path)) this.add(path);
    }
  }

  /** Adds a file, and the files that it refers to by a relative path. */
  add(path: string): void {
    if (this.digests.has(path)) return;
    this.bytes += statSync(path).size;
    if (this.digests.size >= MOST_FILES || this.bytes > MOST_BYTES) throw tooLarge(this.place);
    const content = readFileSync(path);
    this.digests.set(path, digestOf(content));
    if (!TEXT.test(path)) return;
    for (const named of relativePaths(content.toString('utf8'))) this.addNamed(resolve(dirname(path), named));
  }

  private addNamed(path: string): void {
    const found = ENDINGS.map((end) => path + end).find(isFile);
    if (found === undefined) return;
    const kind = extname(found);
    // Weights and other data do not count as code; an activity returns them from `hiddenInputs`.
    if (kind === '.json' || CODE.has(kind) || TYPESCRIPT.has(kind)) this.add(found);
  }
}

/**
 * Returns the relative paths in a module's text: of imports, of `require`, of `new URL('./x.json',
 * import.meta.url)`.
 */
function relativePaths(text: string): string[] {
  return [...text.matchAll(/(['"`])(\.{1,2}\/[^'"`\n]+)\1/g)].map(([, , path]) => path);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function tooLarge({ path }: PluginPlace): PluginFault {
  return new PluginFault('bad-plugin', 'the plugin contains more code than a cache key can cover', {
    file: path,
    expected: `at most ${MOST_FILES} code files and ${MOST_BYTES / 2 ** 20} MiB`,
    next: 'move the plugin to a separate package, or bundle it into one file',
  });
}
