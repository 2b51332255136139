import type { Command } from 'commander';
import { formatTable } from '../display/render-text.js';

/** A command line, without the name of the program, and what it does. */
type Example = readonly [command: string, what: string];

type Examples = Readonly<Record<string, readonly Example[]>>;

/**
 * The commands in the order of the help text, each with its examples. Examples of a subcommand have the key
 * `COMMAND SUBCOMMAND`.
 */
const GROUPS: Readonly<Record<string, Examples>> = {
  'Start:': {
    init: [
      ['init', 'asks questions'],
      ['init --slides scans --labels labels.csv --yes', 'asks nothing'],
    ],
    quickstart: [['quickstart', 'takes a few minutes']],
    doctor: [
      ['doctor', 'changes nothing'],
      ['doctor --set-up', 'also downloads what is missing'],
    ],
    models: [['models list', 'every model, its license and its state']],
    'models list': [['models list', 'what is installed, and what is not']],
    'models fetch': [['models fetch resnet50 mobile-sam', 'two networks']],
    'models import': [['models import sam-vit-h sam.pth', 'from a downloaded file']],
    'models verify': [['models verify', 'all installed models']],
    'models rm': [['models rm sam-vit-h', 'frees its disk space']],
  },
  'Write and check a pipeline:': {
    validate: [
      ['validate study.yaml', 'every mistake of the file'],
      ['validate pipelines/*.yaml --json', 'for a script'],
    ],
    plan: [
      ['plan study.yaml', 'what would run'],
      ['plan study.yaml --why', 'and the reason for each item'],
    ],
    graph: [['graph study.yaml --format dot | dot -Tsvg > study.svg', 'a picture']],
    schema: [['schema > pipeline.schema.json', 'for an editor']],
    lsp: [['lsp', 'an editor starts it and talks to it']],
  },
  'Run:': {
    run: [
      ['run study.yaml', 'all stages'],
      ['run study.yaml --set epochs=50', 'with another value of a param'],
    ],
    resume: [
      ['resume', 'the latest run'],
      ['resume RUN --stage train', 'only this held stage'],
    ],
    pause: [['pause', 'the latest run; `resume` continues it']],
    skip: [
      ['skip latest preprocess@s002', 'without slide s002'],
      ['skip latest preprocess', 'without all slides that failed'],
    ],
    cancel: [
      ['cancel', 'the latest run'],
      ['cancel RUN --now', 'without waiting for running items'],
    ],
  },
  'See runs and results:': {
    status: [['status --watch', 'the latest run, until it ends']],
    ls: [['ls --work /scratch/study', 'runs in this work folder']],
    logs: [
      ['logs latest preprocess@s002', 'one slide in one stage'],
      ['logs latest -f', 'all items, until the run ends'],
      ['logs latest --failed', 'what failed, and why'],
    ],
    report: [['report --open', 'of the latest run, in the browser']],
    metrics: [['metrics', 'of the latest run']],
    'metrics diff': [['metrics diff OLD_RUN NEW_RUN', 'what a change was worth']],
    runs: [['runs --sort AUC', 'the best run first']],
  },
  'Server and workers:': {
    server: [
      ['server', 'until Ctrl-C'],
      ['server --stop', 'also if another terminal started it'],
    ],
    worker: [
      ['worker --profile lab --queues gpu', 'steps with `runs-on: gpu`'],
      ['worker --concurrency cpu=8', 'eight steps at once'],
    ],
  },
  'This installation:': {
    gc: [['gc /scratch/study --dry-run', 'shows what would be removed']],
    completion: [['completion bash', 'prints the script for bash']],
    'self-test': [['self-test mil/split', 'the tests in folders of this name']],
  },
};

/** The commands that the help text lists, in its order; commands that it does not know come last. */
export function helpOrder(names: readonly string[]): string[] {
  const order = Object.values(GROUPS).flatMap((group) => Object.keys(group));
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** Puts a command below the heading of its group and adds examples to its help, and to its subcommands'. */
export function addHelp(command: Command, parents: readonly string[] = []): Command {
  const path = [...parents, command.name()];
  for (const subcommand of command.commands) addHelp(subcommand, path);
  const key = path.join(' ');
  const [heading, group] = Object.entries(GROUPS).find(([, examples]) => key in examples) ?? [];
  if (heading === undefined || group === undefined) return command;
  if (parents.length === 0) command.helpGroup(heading);
  return command.addHelpText('after', examplesText(group[key]));
}

function examplesText(examples: readonly Example[]): string {
  const rows = examples.map(([command, what]) => [`  npx sam-mil ${command}`, `# ${what}`]);
  return `\nExamples:\n${formatTable(rows).join('\n')}`;
}
