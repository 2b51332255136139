import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { StepFault } from '../../activity-schema.js';
import { isJsonObject, type Json, type JsonObject } from '../../json.js';
import { outputPathFault, sharedPath } from './output-paths.js';
import { placeholdersIn } from './placeholders.js';

/** Parameters by name, see parameters.ts. */
type Given = Readonly<Record<string, Json | undefined>>;

/**
 * Returns what is wrong in parameters of `pipeline.command` that fit their schemas.
 * @param given texts that only a run can compute still contain `${{`
 */
export function findCommandFaults(given: JsonObject, exists?: (path: string) => boolean): StepFault[] {
  const here = exists === undefined ? [] : [...undeclaredFiles(given, exists), ...missingHere(given)];
  return [...faultsIn(given), ...shellFaults(given), ...pathFaults(given), ...here];
}

/** The faults that matter for a run, where all values are known. */
export function faultsIn(given: Given): StepFault[] {
  return [
    ...commandFaults(given),
    ...nameFaults(given),
    ...placeholderFaults(given),
    ...outputFaults(given),
    ...stdoutFaults(given),
  ];
}

function commandFaults({ command, shell }: Given): StepFault[] {
  if (typeof command === 'string' && !isOpen(command) && shell === undefined) {
    const next = 'write a list, such as [python3, "{script}", "{inputs.table}"], or set shell: bash';
    return [{ parameter: 'command', what: 'is text, which only a shell can run', next }];
  }
  if (!Array.isArray(command)) return [];
  if (shell !== undefined) {
    const next = 'write the script as text: command: "sort {inputs.table} > {outputs.sorted}"';
    return [{ parameter: 'command', what: 'is a list, which is not run in a shell', next }];
  }
  const [program] = command;
  if (typeof program === 'string' && /^[^/{$][^{$]*\//.test(program)) {
    const next = 'write an absolute path, or declare it as `script` and write {script}';
    return [{ parameter: 'command', what: `begins with ${program}, a relative path`, next }];
  }
  return program === '' ? [{ parameter: 'command', what: 'begins with an empty text, not a program' }] : [];
}

/** A name is used in placeholders, expressions and variables. */
function nameFaults(given: Given): StepFault[] {
  const groups = ['inputs', 'items', 'outputs', 'params'].flatMap((parameter) =>
    Object.keys(members(given[parameter]))
      .filter((name) => !/^[A-Za-z_](?:[\w-]*\w)?$/.test(name) || name === '__proto__')
      .map((name) => ({
        parameter,
        what: `has the name ${JSON.stringify(name)}, which cannot be used in placeholders`,
        next: 'use letters, digits, _ and -, beginning with a letter',
      })),
  );
  const variables = Object.keys(members(given.env))
    .filter((name) => !/^[A-Za-z_]\w*$/.test(name))
    .map((name) => ({ parameter: 'env', what: `has ${JSON.stringify(name)}, which is not a variable name` }));
  return [...groups, ...variables];
}

/** Forms of other tools, which would be passed on as plain text. */
const LOOKALIKE = /\{(input|output|param|item|wildcards|snakemake)\.([\w-]+)\}/;

function placeholderFaults(given: Given): StepFault[] {
  const known = new Set(['checkpoint', 'job', ...(given.script === undefined ? [] : ['script'])]);
  for (const group of ['inputs', 'items', 'outputs', 'params']) {
    for (const name of Object.keys(members(given[group]))) known.add(`${group}.${name}`);
  }
  return texts(given).flatMap(([parameter, text]) => {
    const other = LOOKALIKE.exec(text);
    if (other !== null) {
      const right = ['input', 'output', 'param', 'item'].includes(other[1])
        ? `{${other[1]}s.${other[2]}}`
        : '${{ }}';
      return [{ parameter, what: `has ${other[0]}, which is not a placeholder`, next: `write ${right}` }];
    }
    return placeholdersIn(text)
      .filter((name) => !known.has(name))
      .map((name) => ({
        parameter,
        what: `has {${name}}, which is not declared`,
        next: declare(name, known),
      }));
  });
}

function declare(name: string, known: ReadonlySet<string>): string {
  const [group, member] = name.split('.');
  const others = [...known].map((other) => `{${other}}`).join(', ');
  const where = member === undefined ? `\`${group}\`` : `\`${member}\` under \`${group}\``;
  return `declare ${where}; placeholders of this step: ${others}`;
}

function texts({ command, env }: Given): [parameter: string, text: string][] {
  const ofCommand = (Array.isArray(command) ? command : [command]).filter((one) => typeof one === 'string');
  const ofEnv = Object.values(members(env)).filter((one) => typeof one === 'string');
  return [
    ...ofCommand.map((text): [string, string] => ['command', text]),
    ...ofEnv.map((text): [string, string] => ['env', text]),
  ];
}

function outputFaults(given: Given): StepFault[] {
  const parameter = 'outputs';
  const outputs = Object.entries(members(given.outputs)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !isOpen(entry[1]),
  );
  const wrong = outputs.flatMap(([name, path]) => {
    const fault = outputPathFault(path);
    const next = 'write a path relative to the working folder of the program, such as tables/cells.csv';
    return fault === undefined ? [] : [{ parameter, what: `has \`${name}\`: ${path}, but ${fault}`, next }];
  });
  const shared = sharedPath(Object.fromEntries(outputs));
  if (shared === undefined) return wrong;
  const what = `has \`${shared[0]}\` and \`${shared[1]}\`, which are one file, or one inside the other`;
  return [...wrong, { parameter, what, next: 'give each output a file of its own' }];
}

function stdoutFaults({ stdout, outputs }: Given): StepFault[] {
  if (typeof stdout !== 'string' || isOpen(stdout) || Object.hasOwn(members(outputs), stdout)) return [];
  const next = `declare it: outputs: { ${stdout}: ${stdout}.txt }`;
  return [{ parameter: 'stdout', what: `names \`${stdout}\`, which is not an output of this step`, next }];
}

/** An expression becomes part of the script, so that a name with a space or a quote changes what it does. */
function shellFaults({ command }: Given): StepFault[] {
  if (typeof command !== 'string' || !isOpen(command)) return [];
  const what = 'inserts the value of an expression into a shell script without quoting it';
  const next = 'declare the value under `params` and write {params.NAME}, which is quoted';
  return [{ parameter: 'command', what, next, warning: 'bad-value' }];
}

/** A program works in another folder and would not find these; nor would their content be in the key. */
function undeclaredFiles({ command }: Given, exists: (path: string) => boolean): StepFault[] {
  if (!Array.isArray(command)) return [];
  return command
    .filter((one): one is string => typeof one === 'string' && /^[^/{-].*\.\w+$/.test(one) && !isOpen(one))
    .filter((path) => exists(path))
    .map((path) => ({
      parameter: 'command',
      what: `names the file ${path}, which the step does not declare`,
      next: `write script: ${path} and {script} for the program itself, or declare it under \`inputs\` and write {inputs.NAME}`,
    }));
}

/** The path would be in the key instead of the content of the file. */
function pathFaults({ command }: Given): StepFault[] {
  if (!Array.isArray(command)) return [];
  const paths = command.filter((one) => typeof one === 'string' && /\$\{\{\s*[\w.-]+\.path\s*\}\}/.test(one));
  if (paths.length === 0) return [];
  const what =
    'passes the path of a file that the step does not declare: it does not run again when the file changes';
  const next = 'declare it under `inputs` and write {inputs.NAME}';
  return [{ parameter: 'command', what, next, warning: 'bad-value' }];
}

/** What this machine does not have; that of the worker may. */
function missingHere({ command, shell, 'pass-env': pass }: Given): StepFault[] {
  const warning = 'missing-resource';
  const program = Array.isArray(command) ? command[0] : shell;
  const faults: StepFault[] = [];
  if (typeof program === 'string' && program !== '' && !/[{$]/.test(program) && !isProgram(program)) {
    const what = `names the program ${program}, which is not on this machine`;
    faults.push({ parameter: 'command', what, next: 'install it where the step runs', warning });
  }
  for (const name of Array.isArray(pass) ? pass : []) {
    if (typeof name !== 'string' || isOpen(name) || process.env[name] !== undefined) continue;
    const what = `names the variable ${name}, which is not set on this machine`;
    faults.push({ parameter: 'pass-env', what, next: 'set it for the worker that runs the step', warning });
  }
  return faults;
}

function isProgram(name: string): boolean {
  // Relative paths are faults already.
  if (name.includes('/') && !isAbsolute(name)) return true;
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function isOpen(text: string): boolean {
  return text.includes('${{');
}

function members(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
