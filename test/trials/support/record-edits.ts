import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from './work-folder.js';

/** The receipt that is edited: of an item of the toy pipeline. */
export const RECEIPT = '.receipts/make/a/make.json';

type Edit = (work: string) => void;
interface EditedFile {
  digest: unknown;
  bytes: unknown;
}
interface EditedReceipt {
  key: string;
  files: Record<string, EditedFile>;
  outputs: Record<string, unknown>;
  [name: string]: unknown;
}

/**
 * Edits of receipts, of the index of their keys and of the cache of digests, each of which must not change
 * what a later run takes over.
 */
export const RECEIPT_EDITS: Readonly<Record<string, Edit>> = {
  'files null': set('files', null),
  'files a list': set('files', [1, 2]),
  'files with a null': change((receipt) => replaceFiles(receipt, () => null)),
  'files emptied': set('files', {}),
  'files outside the work folder': change((receipt) => moveFiles(receipt, '../../../etc/passwd')),
  'files with an absolute path': change((receipt) => moveFiles(receipt, '/etc/passwd')),
  'negative bytes': change((receipt) => replaceFiles(receipt, (file) => ({ ...file, bytes: -1 }))),
  'another digest': change((receipt) =>
    replaceFiles(receipt, (file) => ({ ...file, digest: `sha256:${'0'.repeat(64)}` })),
  ),
  'outputs null': set('outputs', null),
  'another length': change((receipt) => ({ ...receipt, outputs: { ...receipt.outputs, length: 123 } })),
  'no made': set('made', undefined),
  'no ingredients': set('ingredients', undefined),
  'another folder': set('folder', '../x'),
  'read a number': set('read', 5),
  'read null': set('read', null),
  'deeply nested': write('['.repeat(200_000)),
  empty: write(''),
  'a number': write('5'),
  null: write('null'),
  'a string': write('"x"'),
  'key index empty': writeKey(''),
  'key index null': writeKey('null'),
  'key index {}': writeKey('{}'),
  'key index a number': writeKey('5'),
  'key index outside': writeKey('{"stage":"..","item":"..","step":".."}'),
  'key index of numbers': writeKey('{"stage":1,"item":2,"step":3}'),
  'digest cache of other types': (work) => writeDigests(work, '{"stamp":null,"digest":5}'),
  'digest cache null': (work) => writeDigests(work, 'null'),
};

/**
 * Files of a run, and what they are replaced by: only what has the form of the file, or nearly. Every record
 * is emptied and replaced as a whole, before every command, in `test/client/damaged-records.test.ts`.
 */
export const RUN_FILES: Readonly<Record<string, readonly string[]>> = {
  'plan.json': ['[', '{"plan":1,"stages":null}'],
  'run.json': ['{"stages":5}'],
  'seen.json': ['{"status":{"stages":[5]}}'],
  'start.json': ['5', '{"items":5,"force":7}'],
};

/** Writes a text into every file below a folder of the work folder whose path fits. */
export function writeAll(work: string, folder: string, fits: (path: string) => boolean, text: string): void {
  const paths = namesIn(join(work, folder), true).filter((path) => fits(`/${path}`));
  for (const path of paths) writeFileSync(join(work, folder, path), text);
}

function change(edit: (receipt: EditedReceipt) => object): Edit {
  return (work) => {
    const file = join(work, RECEIPT);
    writeFileSync(file, JSON.stringify(edit(read(file))));
  };
}

function set(name: string, value: unknown): Edit {
  return change((receipt) => ({ ...receipt, [name]: value }));
}

function write(text: string): Edit {
  return (work) => writeFileSync(join(work, RECEIPT), text);
}

/** Without the receipt itself, the step's outputs are looked up by key. */
function writeKey(text: string): Edit {
  return (work) => {
    const hex = read(join(work, RECEIPT)).key.slice('sha256:'.length);
    writeFileSync(join(work, '.receipts', '.keys', hex.slice(0, 2), `${hex}.json`), text);
    rmSync(join(work, RECEIPT));
  };
}

function writeDigests(work: string, text: string): void {
  writeAll(work, '.receipts/.digests', (path) => path.endsWith('.json'), text);
}

function replaceFiles(receipt: EditedReceipt, edit: (file: EditedFile) => unknown): object {
  const files = Object.entries(receipt.files).map(([path, file]) => [path, edit(file)] as const);
  return { ...receipt, files: Object.fromEntries(files) };
}

function moveFiles(receipt: EditedReceipt, path: string): object {
  return { ...receipt, files: { [path]: Object.values(receipt.files)[0] } };
}

function read(path: string): EditedReceipt {
  return JSON.parse(readFileSync(path, 'utf8')) as EditedReceipt;
}
