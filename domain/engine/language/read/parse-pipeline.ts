import { parseDocument } from 'yaml';
import type { PipelineDocument } from './document.js';
import { describeNode } from './describe.js';
import { MapReader, openMap, type ReadContext } from './map-reader.js';
import { fileNameFault } from './names.js';
import { NO_PARAMS, readParams, type ParamSources } from './params.js';
import { FIRST_PLACE, ProblemList, type Place, type Problem } from '../problems/problems.js';
import { readSettings, STAGE_SETTINGS } from './read-settings.js';
import { readStages } from './read-stages.js';
import { adoptChildren, placeStages } from './misplaced.js';
import { foreignFile, looksLikePipeline } from './syntax/foreign-file.js';
import { YAML_OPTIONS } from './syntax/report-syntax.js';
import { readYaml } from './read-yaml.js';
import type { YamlNode } from './yaml-nodes.js';

/** The supported version of the language: the value of `pipeline`. */
export const LANGUAGE_VERSION = 1;

const KEYS = [
  ...['pipeline', 'name', 'description', 'plugins', 'params', 'defaults', 'work', 'stages', 'on-failure'],
  'x-*',
];

export interface ParsedPipeline {
  /** Everything that could be read. Absent if the text is not a pipeline at all. */
  document?: PipelineDocument;
  problems: Problem[];
}

/** Counts the faults between the parts of a file, which tell the likely cause of a syntax error. */
type FaultsBetween = (document: PipelineDocument) => number;

/**
 * Reads a pipeline file and fills in its params. `problems` contains every mistake in the file itself;
 * `checkPipeline` finds mistakes between its parts.
 */
export function parsePipeline(
  text: string,
  sources: ParamSources,
  faultsBetween: FaultsBetween = () => 0,
): ParsedPipeline {
  const problems = new ProblemList();
  const document = readDocument(text.replace(/^\uFEFF/, ''), sources, problems, faultsBetween);
  return { document, problems: problems.sorted() };
}

function readDocument(
  text: string,
  sources: ParamSources,
  problems: ProblemList,
  faultsBetween: FaultsBetween,
): PipelineDocument | undefined {
  const foreign = foreignFile(text);
  if (foreign) {
    problems.error(
      'not-a-pipeline',
      FIRST_PLACE,
      `the file is ${foreign.what}, not a pipeline`,
      foreign.hint,
    );
    return undefined;
  }
  if (!looksLikePipeline(text) && parseDocument(text, YAML_OPTIONS).errors.length > 0) {
    const message = 'the file is neither YAML nor a pipeline';
    problems.error('not-a-pipeline', FIRST_PLACE, message, 'a pipeline begins with `pipeline: 1`');
    return undefined;
  }
  const root = readYaml(text, problems, (read) => countFaults(read, sources, faultsBetween));
  return root && readRoot(root, sources, problems);
}

function countFaults(root: YamlNode, sources: ParamSources, faultsBetween: FaultsBetween): number {
  const problems = new ProblemList();
  const document = readRoot(root, { ...sources, set: [], overlay: undefined }, problems);
  return problems.sorted().length + (document === undefined ? 0 : faultsBetween(document));
}

function readRoot(
  root: YamlNode,
  sources: ParamSources,
  problems: ProblemList,
): PipelineDocument | undefined {
  if (root.kind !== 'map') {
    const message = `a pipeline file must be a mapping that begins with \`pipeline: 1\`, found ${describeNode(root)}`;
    problems.error('wrong-type', root.place, message);
    return undefined;
  }
  const start: Place = { ...root.place, length: 1 };
  const noticed = new ProblemList();
  const context = { problems: noticed, known: NO_PARAMS };
  const placed = placeStages(adoptChildren(root, KEYS, noticed), KEYS, noticed);
  const top = openMap(placed, 'the pipeline', KEYS, context);
  const map = top ?? new MapReader(root, 'the pipeline', context);
  if (isForeign(map)) {
    const keys = root.entries.slice(0, 5).map(({ key }) => `\`${key}\``);
    const message = `the file is not a pipeline: it has neither \`pipeline\` nor \`stages\`, but ${keys.join(', ') || 'no keys'}`;
    problems.error('not-a-pipeline', start, message, 'a pipeline begins with `pipeline: 1`');
    return undefined;
  }
  if (!isThisVersion(map.with({ problems, known: NO_PARAMS }), start, problems)) return undefined;
  problems.addAll(noticed.sorted());
  return readParts(map, start, sources, problems);
}

/** A mapping with none of the keys that make a pipeline, correctly written or not. */
function isForeign(map: MapReader): boolean {
  return ['pipeline', 'stages', 'params'].every((key) => map.entry(key) === undefined);
}

function readParts(
  top: MapReader,
  start: Place,
  sources: ParamSources,
  problems: ProblemList,
): PipelineDocument {
  const { declarations, known } = readParams(top.entry('params'), sources, problems);
  const context: ReadContext = { problems, known };
  const map = top.with(context);
  const defaults = map.entry('defaults');
  const defaultsMap = defaults && openMap(defaults.value, '`defaults`', STAGE_SETTINGS, context);
  return {
    name: readName(map, start, context),
    description: map.text('description') ?? '',
    plugins: map.names('plugins'),
    params: declarations,
    known,
    work: map.text('work'),
    onFailure: map.choice('on-failure', ['hold', 'fail', 'continue']) ?? 'hold',
    defaults: defaultsMap ? readSettings(defaultsMap, context) : {},
    stages: readStages(map.required('stages', start, 'a pipeline consists of stages'), context),
  };
}

function isThisVersion(map: MapReader, start: Place, problems: ProblemList): boolean {
  const hint = `write \`pipeline: ${LANGUAGE_VERSION}\`, the version of the language, as the first line`;
  const entry = map.required('pipeline', start, hint);
  if (entry === undefined) return true;
  const node = entry.value;
  if (node.kind === 'scalar' && node.value === LANGUAGE_VERSION) return true;
  const isVersion = node.kind === 'scalar' && typeof node.value === 'number';
  const found = node.kind === 'scalar' ? String(node.value) : describeNode(node);
  const message = isVersion
    ? `the file uses version ${found} of the language; this program supports version ${LANGUAGE_VERSION}`
    : `\`pipeline\` must be the version of the language, ${LANGUAGE_VERSION}, found ${found}`;
  problems.error(
    'unsupported-version',
    node.place,
    message,
    isVersion ? 'use a program that supports this version' : hint,
  );
  return !isVersion;
}

function readName(map: MapReader, start: Place, context: ReadContext): string {
  const name =
    map.required('name', start, 'the name is part of run ids and of the work folder') && map.text('name');
  if (name === undefined) return '';
  const fault = fileNameFault(name);
  if (fault === undefined) return name;
  const place = map.entry('name')?.value.place ?? start;
  context.problems.error('bad-name', place, `\`${name}\` is not a valid pipeline name: ${fault}`);
  return name;
}
