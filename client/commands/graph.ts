import { Command } from 'commander';
import { unescapeGlob } from '../../domain/engine/language/glob-text.js';
import type { ItemSource, Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { invalid } from '../command-line/errors.js';
import { addFileOptions, addPluginOption } from '../command-line/options.js';
import { plural } from '../display/render-text.js';
import type { FileOptions } from '../run/load-file.js';
import { loadPlan } from './load-plan.js';

interface GraphOptions extends FileOptions {
  format: string;
}

export function createCommand(): Command {
  const command = new Command('graph')
    .description('Print the stages of a pipeline and their dependencies as a graph')
    .argument('<file>', 'pipeline file')
    .option('--format <format>', 'mermaid (for Markdown) or dot (for Graphviz)', 'mermaid');
  return addPluginOption(addFileOptions(command)).action(graph);
}

async function graph(file: string, options: GraphOptions): Promise<void> {
  const drawings: Record<string, (plan: Plan) => string> = { mermaid, dot };
  if (!(options.format in drawings))
    throw invalid(`unknown graph format "${options.format}"`, 'use mermaid or dot');
  const { plan } = await loadPlan(file, options);
  console.log(drawings[options.format](plan));
}

function mermaid(plan: Plan): string {
  const nodes = plan.stages.map((stage) => `  ${id(stage.name)}["${labels(stage).join('<br/>')}"]`);
  return ['flowchart TD', ...nodes, ...edges(plan).map(([from, to]) => `  ${id(from)} --> ${id(to)}`)].join(
    '\n',
  );
}

function dot(plan: Plan): string {
  const nodes = plan.stages.map(
    (stage) => `  ${JSON.stringify(stage.name)} [label=${JSON.stringify(labels(stage).join('\n'))}];`,
  );
  const arrows = edges(plan).map(([from, to]) => `  ${JSON.stringify(from)} -> ${JSON.stringify(to)};`);
  const name = JSON.stringify(plan.name);
  return [`digraph ${name} {`, '  node [shape=box, style=rounded];', ...nodes, ...arrows, '}'].join('\n');
}

function labels(stage: StagePlan): string[] {
  const steps = stage.steps.map(({ uses }) => uses).join(', ');
  const items = sourceText(stage.source);
  return [stage.name, steps, ...(items === '' ? [] : [items])];
}

/** Describes what a stage runs for; empty for a stage that runs once. */
export function sourceText(source: ItemSource): string {
  switch (source.kind) {
    case 'single':
      return '';
    case 'matrix':
      return plural(source.cells.length, 'cell');
    case 'from':
      return `each item of ${source.stage}`;
    case 'list':
      return `each ${source.as} of a list`;
    case 'glob':
      return `each ${source.as} of glob ${unescapeGlob(source.value)}`;
    default:
      return `each ${source.as} of ${source.kind} ${source.value}`;
  }
}

function edges(plan: Plan): [string, string][] {
  return plan.stages.flatMap(({ name, needs }) => needs.map((need): [string, string] => [need, name]));
}

/** Mermaid does not accept `end` or hyphens in ids. */
function id(name: string): string {
  return `s_${name.replace(/[^A-Za-z0-9]/g, '_')}`;
}
