import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { examineWeights, knownEntries } from '../../domain/machine/weights/inventory.js';
import { ENCODER_NAMES, findEncoder } from '../../domain/pathology/extract/encoders/encoders.js';
import { shortPath } from '../display/render-text.js';
import { pipelineText } from '../init/pipeline-text.js';
import { Questions } from '../init/questions.js';
import { labelLines, slidesText } from '../init/survey-text.js';
import { surveyLabels, type LabelChoices } from '../init/survey-labels.js';
import { findSlideFolders, findTables, surveySlides, type SlideSource } from '../init/survey-slides.js';

interface InitOptions extends LabelChoices {
  slides?: string;
  labels?: string;
  encoder?: string;
  out?: string;
  yes?: boolean;
}

const ENCODER = 'resnet50';
const OUT = 'study.yaml';

export function createCommand(): Command {
  return new Command('init')
    .description('Write a pipeline for your slides and labels; asks for what is not given')
    .option('--slides <path>', 'folder of the slides, or a CSV table with slide_id and path')
    .option('--labels <file>', 'CSV file with the label of each slide')
    .option('--encoder <name>', `network that computes the features: ${ENCODER_NAMES.join(', ')}, or a file`)
    .option('--out <file>', `pipeline file to write (proposed: ${OUT})`)
    .option('--key-column <name>', 'column of the labels with the name of the slide or patient')
    .option('--label-column <name>', 'column of the labels with the class')
    .option('--classes <names>', 'comma-separated classes; the last of two is the positive one', splitNames)
    .option('--yes', 'ask nothing: use what was found and the proposed values')
    .action(init);
}

function splitNames(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** Returns what `read` makes of the answer to a question. */
type Ask = <T>(
  question: string,
  answer: { given?: string; proposal?: string },
  read: (answer: string) => T | Promise<T>,
) => Promise<T>;

async function init(options: InitOptions): Promise<void> {
  const { slides, labels, encoder } = options;
  const complete = slides !== undefined && labels !== undefined && encoder !== undefined;
  const questions = complete || options.yes === true ? undefined : openQuestions();
  const ask: Ask = async (question, { given, proposal }, read) => {
    if (given === undefined && questions !== undefined) return questions.ask(question, proposal, read);
    const answer = given ?? proposal;
    if (answer !== undefined) return read(answer);
    throw new SamMilError('InvalidInput', `nothing was found for "${question}"`, {
      next: 'name it with --slides FOLDER or --labels FILE',
    });
  };
  try {
    await writeStudy(options, ask);
  } finally {
    questions?.close();
  }
}

function openQuestions(): Questions {
  if (process.stdin.isTTY && process.stdout.isTTY) return new Questions();
  throw new SamMilError('InvalidInput', 'init asks questions, but there is no terminal to answer them', {
    expected: '--slides FOLDER --labels FILE --encoder NAME [--out FILE]',
    next: 'give these options, or --yes to accept what is found in this folder',
  });
}

async function writeStudy(options: InitOptions, ask: Ask): Promise<void> {
  // Before the first question, not after the last.
  if (options.out !== undefined) refuseExisting(options.out);
  const slides = await ask(
    'Folder of the slides, or a CSV table of them',
    { given: options.slides, proposal: proposed(findSlideFolders(process.cwd())) },
    surveySlides,
  );
  console.log(`  ${slidesText(slides)}`);
  const { keyColumn, labelColumn, classes } = options;
  const survey = (file: string) =>
    surveyLabels(resolve(file), slides.keys, { keyColumn, labelColumn, classes });
  const labels = await ask(
    'CSV file with the labels',
    { given: options.labels, proposal: proposed(usableFirst(tablesNear(slides), survey)) },
    survey,
  );
  labelLines(labels).forEach((line) => console.log(`  ${line}`));
  const encoder = await ask(
    'Encoders: resnet50, plip, uni2-h, virchow2 and more (npx sam-mil models list), or a file\nEncoder',
    { given: options.encoder, proposal: ENCODER },
    readEncoder,
  );
  const out = await ask(
    'Pipeline file to write',
    { given: options.out ?? (options.encoder === undefined ? undefined : OUT), proposal: OUT },
    refuseExisting,
  );
  const study = { out, name: nameOf(out), slides, labels, encoder };
  writeFileSync(out, pipelineText(study), { flag: 'wx' });
  console.log(`\nwrote ${shortPath(out)}`);
  nextSteps(shortPath(out), encoder.value).forEach((line) => console.log(`  ${line}`));
}

function proposed(paths: readonly string[]): string | undefined {
  return paths.length === 0 ? undefined : shortPath(paths[0]);
}

function tablesNear({ path }: SlideSource): string[] {
  return findTables([process.cwd(), path, dirname(path)]);
}

/** The files that `read` accepts, then the others: the reason why they are refused helps too. */
function usableFirst(files: readonly string[], read: (file: string) => unknown): string[] {
  const isUsable = (file: string) => {
    try {
      read(file);
      return true;
    } catch (error) {
      if (error instanceof SamMilError) return false;
      throw error;
    }
  };
  const usable = new Set(files.filter(isUsable));
  return [...usable, ...files.filter((file) => !usable.has(file))];
}

async function readEncoder(answer: string): Promise<{ value: string; isFile: boolean }> {
  await findEncoder(answer);
  const isFile = extname(answer) !== '';
  return { value: isFile ? resolve(answer) : answer, isFile };
}

function refuseExisting(file: string): string {
  const path = resolve(extname(file) === '' ? `${file}.yaml` : file);
  if (!existsSync(path)) return path;
  throw new SamMilError('InvalidInput', 'the file exists, and init does not replace files', {
    file: relative(process.cwd(), path),
    next: 'name another file with --out FILE, or remove this one',
  });
}

/** A pipeline's name from the name of its file. */
function nameOf(out: string): string {
  const name = basename(out, extname(out))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'study' : name;
}

function nextSteps(file: string, encoder: string): string[] {
  const missing = knownEntries().some(
    (entry) =>
      entry.name === encoder && entry.automatic !== true && examineWeights(entry).state === 'missing',
  );
  const shown = /^[\w./-]+$/.test(file) ? file : `'${file}'`;
  return [
    ...(missing ? [`get the weights      npx sam-mil models fetch ${encoder}`] : []),
    `see what it will do  npx sam-mil plan ${shown}`,
    `run it               npx sam-mil run ${shown}`,
  ];
}
