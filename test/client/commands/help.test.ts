import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../../client/commands/program.js';

const COLUMNS = 80;

const program = await createProgram(['--help']);
const paths = [program, ...program.commands.flatMap((command) => [command, ...command.commands])];

for (const command of paths) {
  const name = nameOf(command);
  test(`the help of ${name} fits into ${COLUMNS} columns`, () => {
    for (const line of helpOf(command).split('\n')) assert.ok(line.length <= COLUMNS, line);
  });
}

for (const command of paths.slice(1)) {
  test(`the help of ${nameOf(command)} has examples that name only what exists`, () => {
    const examples = [...helpOf(command).matchAll(/^ {2}npx sam-mil (.*?) +# \S/gm)].map(([, line]) => line);
    assert.notEqual(examples.length, 0);
    for (const example of examples) {
      const [verb, second] = example.split(' ');
      const used = program.commands.find((one) => one.name() === verb);
      assert.ok(used, example);
      const inner = used.commands.find((one) => one.name() === second) ?? used;
      const known = new Set(inner.options.flatMap(({ long, short }) => [long, short]));
      for (const option of example.match(/(?<= )--?[a-z][a-z-]*/g) ?? []) {
        if (!/\| /.test(example.slice(0, example.indexOf(option)))) assert.ok(known.has(option), example);
      }
    }
  });
}

test('every command is listed below the heading of a group', () => {
  const listed = helpOf(program).split('\n');
  assert.ok(!listed.includes('Commands:'));
  const headings = program.commands.map((command) => command.helpGroup());
  assert.deepEqual(
    [...new Set(headings)],
    [
      'Start:',
      'Write and check a pipeline:',
      'Run:',
      'See runs and results:',
      'Server and workers:',
      'This installation:',
    ],
  );
});

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => COLUMNS });
  command.outputHelp();
  return text;
}
