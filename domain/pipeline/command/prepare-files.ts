import { copyFile, lstat, realpath, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import { isBelow, makeScratchFolder } from '../../files/make-folders.js';
import { SamMilError } from '../../errors.js';
import { readItems } from '../../engine/store/items.js';
import { isFileRef, type InputFile, type ItemRecord, type Job } from '../../job.js';
import { jsonLines, type JsonObject } from '../../json.js';
import { outputFile } from '../output-refs.js';

/**
 * Writes the items of a stage for the program, one JSON object per line, with absolute paths for file
 * outputs, and returns the path. Every file is compared with its published digest, because the program
 * cannot do that.
 * @throws SamMilError OutputDamaged if a file is missing or has changed
 */
export async function writeItems(job: Job<unknown>, name: string, list: InputFile): Promise<string> {
  const { scratch, work, signal } = job;
  const records = readItems(list.path);
  const lines: JsonObject[] = [];
  for (const [i, record] of records.entries()) {
    signal.throwIfAborted();
    lines.push(await itemLine(record, work));
    job.progress({ unit: 'items checked', done: i + 1, total: records.length });
  }
  const path = join(makeScratchFolder(scratch, 'items'), `${name}.jsonl`);
  writeAtomic(path, jsonLines(lines));
  return path;
}

async function itemLine(record: ItemRecord, work: string): Promise<JsonObject> {
  const { key, status, fields, reason } = record;
  const outputs: JsonObject = {};
  for (const [name, value] of Object.entries(record.outputs)) {
    outputs[name] = isFileRef(value) ? (await outputFile(record, name, work)).absolute : value;
  }
  return { key, status, fields, outputs, ...(reason === undefined ? {} : { reason }) };
}

/**
 * Checks that the program has written a declared output, and returns its absolute path. A file that has
 * another name elsewhere (a hard link) is replaced by a copy: what is published changes only with it.
 * @throws SamMilError ContractBroken if it is missing, not a regular file, or outside the working folder
 */
export async function requireOutput(cwd: string, name: string, path: string): Promise<string> {
  const file = join(cwd, path);
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) throw brokenOutput(name, path, 'does not exist');
  if (found.isSymbolicLink()) throw brokenOutput(name, path, 'is a symbolic link');
  if (found.isDirectory()) throw brokenOutput(name, path, 'is a folder');
  if (!found.isFile()) throw brokenOutput(name, path, 'is not a regular file');
  const real = await realpath(dirname(file));
  if (!isBelow(await realpath(cwd), real)) throw brokenOutput(name, path, `is in ${real}, outside`);
  if (found.nlink > 1) {
    await copyFile(file, `${file}.copy`);
    await rename(`${file}.copy`, file);
  }
  return file;
}

function brokenOutput(name: string, path: string, found: string): SamMilError {
  return new SamMilError('ContractBroken', `the program did not write its output \`${name}\``, {
    expected: `a regular file ${path} in its working folder, {outputs.${name}}`,
    found: `it ${found}`,
    next: 'see what the program wrote in the log of the item; declare each file, not its folder',
  });
}
