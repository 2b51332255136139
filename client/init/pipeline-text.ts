import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { packageRoot } from '../../domain/package-root.js';
import type { LabelSource } from './survey-labels.js';
import type { SlideSource } from './survey-slides.js';

/** What `init` writes a pipeline for. */
export interface Study {
  /** The file to write, absolute. */
  out: string;
  name: string;
  slides: SlideSource;
  labels: LabelSource;
  /** A name, or the absolute path of an encoder file. */
  encoder: { value: string; isFile: boolean };
}

/** Folds beyond this number cost time and change little. */
const MOST_FOLDS = 5;

/** The text of a commented pipeline from slides to a report. */
export function pipelineText(study: Study): string {
  return `${headText(study)}
${paramsText(study)}
${preprocessText(study)}
${trainingText(study)}`;
}

function headText({ out, name, slides, labels }: Study): string {
  const classes = labels.classes.map((label, i) => `${label} ${labels.counts[i]}`).join(', ');
  return `# yaml-language-server: $schema=${schemaPath(out)}
# Written by \`sam-mil init\` for ${slides.keys.length} slides (${oneLine(classes)}). Every value may be changed:
#   npx sam-mil validate FILE     finds mistakes
#   npx sam-mil plan FILE         shows what would run
#   npx sam-mil run FILE          runs it; only what a change concerns runs again
pipeline: 1
name: ${name}
description: Slides to features, cross-validated models and a report
`;
}

function paramsText({ out, name, slides, labels, encoder }: Study): string {
  const near = (path: string) => text(nearPath(out, path));
  const pattern = `
  pattern: { type: string, default: ${text(slides.pattern)}, description: Which files are slides }`;
  return `# Change a value here, or for one run: npx sam-mil run FILE --set epochs=50
params:
  slides:
    type: path
    default: ${near(slides.path)}
    description: ${slides.kind === 'folder' ? 'Folder of the slides' : 'CSV file with slide_id and the path of each slide'}${slides.kind === 'folder' ? pattern : ''}
  labels:
    type: path
    default: ${near(labels.path)}
    description: CSV file with the label of each slide
  work: { type: path, default: ${text(`work/${name}`)}, description: All results are written here }

  # Tissue and patches. preset: bwh_biopsy, bwh_resection, tcga, default, or a CSV file of CLAM's parameters
  preset: { type: string, default: bwh_biopsy }
  magnification: { type: number, default: 20, description: Objective power to cut patches at }
  slide-mpp:
    type: number
    default: null
    description: µm per pixel of all slides, if the files do not state it (PNG, JPEG) or state it wrongly
  patch-size: { type: integer, default: 256, description: Side of a patch in pixels at this magnification }

  # Segments: watershed needs no download. The paper uses sam-vit-h; mobile-sam is smaller.
  # Weights: npx sam-mil models fetch sam-vit-h
  segmenter: { type: string, default: watershed }
  # Features: \`npx sam-mil models list\` names the encoders. An encoder of your own: examples/own-encoder
  encoder: { type: ${encoder.isFile ? 'path' : 'string'}, default: ${encoder.isFile ? near(encoder.value) : text(encoder.value)} }
  queue: { type: string, default: cpu, description: Queue of segments and features; gpu if a worker serves it }

  # Training. Other models: mean-linear, simlp, mean, max, abmil-gated, transmil, rrt-mil, dsmil, dtfd-mil,
  # clam-sb, clam-mb
  models: { type: list, items: string, default: [abmil, sam-mil] }
  folds: { type: integer, default: ${Math.min(MOST_FOLDS, labels.smallest)}, minimum: 2, description: Cross-validation }
  repeats: { type: integer, default: 1, minimum: 1, description: Number of cross-validations }
  val-ratio:
    type: number
    default: 0.15
    description: Share of the training slides that chooses the epoch and the threshold
  epochs: { type: integer, default: 100, minimum: 1 }
  seed: { type: integer, default: 2021 }

work: '\${{ params.work }}'

defaults:
  retry: { max-attempts: 3, initial-interval: 10s }
`;
}

function preprocessText({ slides }: Study): string {
  const source =
    slides.kind === 'folder'
      ? "{ glob: '${{ params.slides }}/${{ params.pattern }}', as: slide }"
      : "{ csv: '${{ params.slides }}', as: slide, key: slide_id }";
  return `stages:
  # Each slide: find the tissue, cut patches, outline segments, compute features.
  preprocess:
    foreach: ${source}
    max-parallel: 4
    min-success: 0.98 # the run continues if at most 2 % of the slides fail
    steps:
      - id: patch
        uses: pathology.patch
        with:
          slide: '\${{ slide.path }}'
          preset: '\${{ params.preset }}'
          magnification: '\${{ params.magnification }}'
          slide-mpp: '\${{ params.slide-mpp }}'
          patch-size: '\${{ params.patch-size }}'
      - id: segment
        uses: pathology.segment
        runs-on: '\${{ params.queue }}'
        with:
          slide: '\${{ slide.path }}'
          patches: '\${{ steps.patch.outputs.patches }}'
          mask: '\${{ steps.patch.outputs.mask }}'
          segmenter: '\${{ params.segmenter }}'
          pickle: false # 50 MB per slide, needed only by the authors' scripts
      - id: extract
        uses: pathology.extract
        runs-on: '\${{ params.queue }}'
        with:
          slide: '\${{ slide.path }}'
          patches: '\${{ steps.patch.outputs.patches }}'
          segments: '\${{ steps.segment.outputs.segments }}'
          encoder: '\${{ params.encoder }}'
    outputs:
      bag: '\${{ steps.extract.outputs.bag }}'
      sam-info: '\${{ steps.extract.outputs.sam-info }}'
      mask-image: '\${{ steps.patch.outputs.mask-image }}'
      stitch-image: '\${{ steps.patch.outputs.stitch-image }}'
      overlay: '\${{ steps.segment.outputs.overlay }}'
`;
}

function trainingText({ labels }: Study): string {
  return `  # Which slides train, validate and test each model. All slides of a patient are in one set.
  split:
    uses: mil.split
    needs: preprocess
    with:
      bags: '\${{ needs.preprocess.items }}'
      labels: '\${{ params.labels }}'
${splitLines(labels).join('\n')}
      folds: '\${{ params.folds }}'
      repeats: '\${{ params.repeats }}'
      val-ratio: '\${{ params.val-ratio }}'
      seed: '\${{ params.seed }}'

  train:
    uses: mil.train-fold
    needs: [preprocess, split]
    matrix:
      model: '\${{ params.models }}'
      repeat: '\${{ range(params.repeats) }}'
      fold: '\${{ range(params.folds) }}'
    max-parallel: 2
    retry: { max-attempts: 10 }
    with:
      bags: '\${{ needs.preprocess.items }}'
      splits: '\${{ needs.split.outputs.splits }}'
      model: '\${{ matrix.model }}'
      repeat: '\${{ matrix.repeat }}'
      fold: '\${{ matrix.fold }}'
      epochs: '\${{ params.epochs }}'
      seed: '\${{ params.seed + matrix.repeat }}'

  evaluate:
    uses: mil.evaluate
    needs: [preprocess, split, train]
    matrix: { from: train }
    max-parallel: 2
    with:
      checkpoint: '\${{ needs.train.outputs.checkpoint }}'
      bags: '\${{ needs.preprocess.items }}'
      splits: '\${{ needs.split.outputs.splits }}'

  report:
    uses: pipeline.report
    needs: [preprocess, evaluate]
    if: '\${{ always() }}' # also if a model failed
    with:
      evaluations: '\${{ needs.evaluate.items }}'
      slides: '\${{ default(needs.preprocess.items, null) }}'
      group-by: model
      compare: all

on-failure: hold # wait for \`npx sam-mil resume\` instead of ending the run
`;
}

function splitLines({ choices, classes, match, unmatched }: LabelSource): string[] {
  const { keyColumn, labelColumn } = choices;
  const positive = classes.length === 2 ? ' # the positive class last' : '';
  return [
    ...(keyColumn === undefined ? [] : [`key-column: ${text(keyColumn)}`]),
    ...(labelColumn === undefined ? [] : [`label-column: ${text(labelColumn)}`]),
    `classes: [${classes.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')}]${positive}`,
    ...(match === 'exact'
      ? []
      : ['match: contains # a row names a patient, whose name is part of the names of the slides']),
    ...(unmatched.length === 0
      ? []
      : ['unmatched: drop # leave out slides without a label; the report lists them']),
  ].map((line) => `      ${line}`);
}

/** The path as a pipeline file writes it: relative to the file, if it is below the folder of the file. */
function nearPath(out: string, path: string): string {
  const near = relative(dirname(out), path);
  return near === '' ? '.' : near.startsWith('..') ? resolve(path) : near.split(sep).join('/');
}

function schemaPath(out: string): string {
  const schema = join(packageRoot(), 'schema', 'pipeline.schema.json');
  const near = relative(dirname(out), schema).split(sep).join('/');
  return near.startsWith('../../../') ? pathToFileURL(schema).href : near.replace(/^(?!\.)/, './');
}

/** A YAML scalar that is valid in a block and in a flow. */
function text(value: string): string {
  return stringify([value], { lineWidth: 0, collectionStyle: 'flow', singleQuote: true })
    .trim()
    .slice(1, -1)
    .trim();
}

function oneLine(value: string): string {
  return value.replace(/\s+/g, ' ');
}
