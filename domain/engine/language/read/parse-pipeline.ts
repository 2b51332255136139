import type { PipelineDocument } from './document.js';
import { describeNode } from './describe.js';
import { MapReader, openMap, type ReadContext } from './map-reader.js';
import { fileNameFault } from './names.js';
import { readParams, type ParamSources } from './params.js';
import { ProblemList, type Place, type Problem } from '../problems/problems.js';
import { readSettings, STAGE_SETTINGS } from './read-settings.js';
import { readStages } from './read-stages.js';
import { readYaml } from './yaml-nodes.js';

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

/**
 * Reads a pipeline file and fills in its params. `problems` contains every mistake in the file itself;
 * `checkPipeline` finds mistakes between its parts.
 */
export function parsePipeline(text: string, sources: ParamSources): ParsedPipeline {
  const problems = new ProblemList();
  const document = readDocument(text.replace(/^\uFEFF/, ''), sources, problems);
  return { document, problems: problems.sorted() };
}

function readDocument(
  text: string,
  sources: ParamSources,
  problems: ProblemList,
): PipelineDocument | undefined {
  const root = readYaml(text, problems);
  if (root === undefined) return undefined;
  if (root.kind !== 'map') {
    const message = `a pipeline file must be a mapping that begins with \`pipeline: 1\`, found ${describeNode(root)}`;
    problems.error('wrong-type', root.place, message);
    return undefined;
  }
  const paramsEntry = root.entries.find(({ key }) => key === 'params');
  const { declarations, known } = readParams(paramsEntry, sources, problems);
  const context: ReadContext = { problems, known };
  const start: Place = { ...root.place, length: 1 };
  const version = new MapReader(root, 'the pipeline', context);
  if (!isThisVersion(version, start, problems)) return undefined;
  const map = openMap(root, 'the pipeline', KEYS, context) ?? version;
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
