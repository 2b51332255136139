import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import { readEnsembleFile, type EnsembleFile } from '../cohort/ensemble-file.js';
import { lockThreshold, type LockedThreshold, type ThresholdRule } from '../cohort/lock-threshold.js';
import { combinePatients, patientsOf, type ScoredSlide } from '../cohort/patient-level.js';
import { joinTable, readSlideTable, refuseUnmatched } from '../cohort/slide-table.js';
import { readGivenPredictions, modelNameOf, type GivenPredictions } from '../cohort/given-predictions.js';
import type { EvaluateWith } from './parameters.js';

/** Predictions with the labels that they are compared with. */
export interface ExternalCohort {
  model: string;
  classes: string[];
  ensemble?: EnsembleFile;
  /** Slides, or patients, with a label. */
  scored: (ScoredSlide & { label: number })[];
  threshold: LockedThreshold;
  /** What was left out, for the log. */
  warnings: string[];
}

type Options = Pick<
  EvaluateWith,
  'ensemble' | 'classes' | 'labels' | 'unmatched' | 'level' | 'patientScore' | 'threshold'
> & { [Column in 'keyColumn' | 'labelColumn' | 'groupColumn' | 'siteColumn']?: string };

/**
 * Reads predictions and labels and joins them, at the level of slides or patients.
 *
 * @throws SamMilError InvalidInput for every fault of the files, before anything is scored
 */
export function readExternalCohort(file: string, options: Options): ExternalCohort {
  const { ensemble: made, level = 'slide' } = options;
  const ensemble = made && readEnsembleFile(made.path);
  const given = readGivenPredictions(file, ensemble ? classesOfEnsemble(ensemble) : options.classes);
  const { slides, warnings } = withLabels(given, options);
  const all = level === 'patient' ? patients(slides, given, options) : slides;
  const scored = all.filter((one): one is ScoredSlide & { label: number } => one.label !== null);
  const things = level === 'patient' ? 'patients' : 'slides';
  if (scored.length === 0) {
    throw new SamMilError('InvalidInput', `none of the ${slides.length} predicted slides has a label`, {
      file: options.labels?.path ?? file,
      expected: 'a label column with classes',
      next: 'without labels, use the predictions of mil.predict only',
    });
  }
  const unlabeled = all.length - scored.length;
  if (unlabeled > 0) {
    const names = all.filter(({ label }) => label === null).map(({ key }) => key);
    warnings.push(`${unlabeled} ${things} without a label are not scored: ${firstNames(names)}`);
  }
  return {
    model: ensemble?.model ?? modelNameOf(file),
    classes: given.classes,
    ...(ensemble && { ensemble }),
    scored,
    threshold: thresholdFor(given.classes, ensemble, options),
    warnings,
  };
}

function classesOfEnsemble({ target }: EnsembleFile): string[] {
  return target.endpoint === 'classification' ? target.classes : [];
}

function withLabels(
  given: GivenPredictions,
  options: Options,
): { slides: ScoredSlide[]; warnings: string[] } {
  const file = options.labels?.path ?? given.file;
  const columns = options.labels === undefined ? { keyColumn: 'slide_id', ...options } : options;
  const table = readSlideTable(file, given.classes, columns);
  if (!table.has.label) {
    throw new SamMilError('InvalidInput', 'there is no column of labels', {
      file,
      expected: 'a column such as label, or `label-column`',
      next: 'set `labels` to a table of slides with their classes',
    });
  }
  const joined = joinTable(given.slides.map(({ key }) => key), table); // prettier-ignore
  const warnings: string[] = [];
  if (options.unmatched !== 'drop') refuseUnmatched(joined, table, 'predictions');
  else if (joined.missing.length + joined.strangers.length > 0) {
    const strangers = joined.strangers.map(({ name }) => name);
    warnings.push(
      `left out: ${joined.missing.length} predictions without a row (${firstNames(joined.missing)}), ${strangers.length} rows without a prediction (${firstNames(strangers)})`,
    );
  }
  const slides = given.slides.flatMap((slide): ScoredSlide[] => {
    const row = joined.factsOf(slide.key);
    if (row === undefined) return [];
    const { label, patient, site } = row;
    return [
      { ...slide, label, ...(patient !== undefined && { patient }), ...(site !== undefined && { site }) },
    ];
  });
  return { slides, warnings };
}

function patients(slides: readonly ScoredSlide[], given: GivenPredictions, options: Options): ScoredSlide[] {
  const grouped = patientsOf(slides, options.labels?.path ?? given.file);
  return combinePatients(slides, grouped, options.patientScore ?? 'mean', given.classes);
}

/** That of the predictions if they were called at the same level, else locked in the same way. */
function thresholdFor(
  classes: readonly string[],
  ensemble: EnsembleFile | undefined,
  { threshold, level = 'slide', patientScore: combination = 'mean' }: Options,
): LockedThreshold {
  const same =
    ensemble !== undefined &&
    ensemble.level === level &&
    (level === 'slide' || ensemble.patient_score === combination);
  if (same && threshold === 'validation') return ensemble.threshold;
  const rule = threshold === 'validation' ? undefined : (threshold as ThresholdRule);
  const validations = (ensemble?.checkpoints ?? []).map(({ validation }) => validation ?? undefined);
  return lockThreshold(validations, { classes, ...(rule !== undefined && { rule }), level, combination });
}
