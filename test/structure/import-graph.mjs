// The import graph of the checkout, from its sources: values, types, dynamic imports, and files named by a
// URL (threads and child processes). `node test/structure/import-graph.mjs` prints what it finds and ends
// with 1 for a cycle, an import against the flow, or workflow code that can reach Node's built-ins; `--json`
// prints the figures for a program.
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { mayImport, roomOf } from './rooms.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PLACES = ['activities', 'client', 'domain', 'workflows'];
/** A folder with more source files is several rooms. */
const MOST_FILES = 30;

/**
 * @returns edges: Map of file to [{ to, typeOnly }]; builtins: Map of file to the Node built-ins whose
 *   values it imports
 */
export function readGraph(root = ROOT) {
  const files = sourcesOf(root);
  const known = new Set(files);
  const edges = new Map(files.map((file) => [file, []]));
  const builtins = new Map(files.map((file) => [file, []]));
  for (const file of files) {
    const tree = ts.createSourceFile(
      file,
      readFileSync(join(root, file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    visit(tree, (specifier, typeOnly) => {
      const target = resolve(file, specifier, known);
      if (target !== undefined) edges.get(file).push({ to: target, typeOnly });
      else if (!typeOnly && specifier.startsWith('node:')) builtins.get(file).push(specifier);
    });
  }
  return { files, edges, builtins };
}

function sourcesOf(root) {
  const below = PLACES.flatMap((place) =>
    readdirSync(join(root, place), { recursive: true }).map((name) =>
      posix.join(place, name.split(sep).join('/')),
    ),
  );
  return [...below, 'worker.ts'].filter((file) => /\.ts$/.test(file) && !file.endsWith('.d.ts')).sort();
}

/**
 * Hands every relative or built-in module name of a file to `found`. Any string that leads to a source
 * counts: URLs of threads are such.
 */
function visit(node, found) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    if (node.moduleSpecifier) found(node.moduleSpecifier.text, isTypeOnly(node));
    return;
  }
  if (ts.isImportTypeNode(node)) return found(node.argument.literal?.text ?? '', true);
  if (ts.isStringLiteralLike(node)) found(node.text, false);
  ts.forEachChild(node, (child) => visit(child, found));
}

function isTypeOnly(node) {
  const clause = ts.isImportDeclaration(node) ? node.importClause : node;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const named = ts.isImportDeclaration(node) ? clause.namedBindings : clause.exportClause;
  const elements = named && (ts.isNamedImports(named) || ts.isNamedExports(named)) ? named.elements : [];
  return !clause.name && elements.length > 0 && elements.every((element) => element.isTypeOnly);
}

function resolve(file, specifier, known) {
  if (!/^\.\.?\//.test(specifier)) return undefined;
  const path = posix.join(posix.dirname(file), specifier);
  return [path, path.replace(/\.js$/, '.ts')].find((candidate) => known.has(candidate));
}

/** Everything the rules of the house forbid, and the sizes that the house promises. */
export function examine({ files, edges, builtins }) {
  const folders = [...new Set(files.map((file) => posix.dirname(file)))];
  const between = new Map(folders.map((folder) => [folder, []]));
  for (const [file, targets] of edges) {
    for (const { to } of targets) {
      const [from, into] = [posix.dirname(file), posix.dirname(to)];
      if (from !== into) between.get(from).push(into);
    }
  }
  const nextFiles = (file) => edges.get(file).map(({ to }) => to);
  return {
    files: files.length,
    imports: [...edges.values()].reduce((sum, targets) => sum + targets.length, 0),
    fileCycles: cycles(files, nextFiles),
    folderCycles: cycles(folders, (folder) => between.get(folder)),
    againstFlow: [...edges].flatMap(([file, targets]) =>
      targets.filter(({ to }) => !mayImport(roomOf(file), roomOf(to))).map(({ to }) => `${file} -> ${to}`),
    ),
    impureWorkflowCode: impure(edges, builtins),
    largeFolders: folders
      .map((folder) => ({ folder, count: files.filter((file) => posix.dirname(file) === folder).length }))
      .filter(({ count }) => count > MOST_FILES),
  };
}

/**
 * Files that workflow code loads (types aside) and that use Node's built-ins or come from activities: the
 * sandbox would refuse them.
 */
function impure(edges, builtins) {
  const reached = new Set(['workflows/index.ts']);
  for (const file of reached) {
    for (const { to, typeOnly } of edges.get(file)) if (!typeOnly) reached.add(to);
  }
  return [...reached].filter((file) => builtins.get(file).length > 0 || file.startsWith('activities/'));
}

/** Strongly connected components of more than one node (Tarjan 1972). */
export function cycles(nodes, next) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const enter = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const other of next(node)) {
      if (!index.has(other)) enter(other);
      if (stack.includes(other)) low.set(node, Math.min(low.get(node), low.get(other)));
    }
    if (low.get(node) !== index.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    if (members.length > 1) found.push(members.sort());
  };
  for (const node of nodes) if (!index.has(node)) enter(node);
  return found;
}

function main() {
  const result = examine(readGraph());
  const { files, imports, ...faults } = result;
  const count = Object.values(faults).reduce((sum, list) => sum + list.length, 0);
  if (process.argv.includes('--json')) console.log(JSON.stringify(result));
  else {
    console.log(`import graph: ${files} files, ${imports} imports`);
    for (const [name, list] of Object.entries(faults)) {
      console.log(`  ${name}: ${list.length}`);
      for (const entry of list)
        console.log(`    ${typeof entry === 'string' ? entry : JSON.stringify(entry)}`);
    }
  }
  process.exitCode = count > 0 ? 1 : 0;
}

if (relative(realpathSync(process.argv[1] ?? ''), fileURLToPath(import.meta.url)) === '') main();
