import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import { refuseClassOptions } from '../cohort/endpoint-options.js';
import { readEnsembleFile, type EnsembleFile } from '../cohort/ensemble-file.js';
import { modelNameOf } from '../cohort/given-predictions.js';
import { endpointOfPredictions, readGivenScores } from '../cohort/given-scores.js';
import { combineCases, type Case } from '../cohort/patient-cases.js';
import { patientsOf } from '../cohort/patient-level.js';
import { joinTable, readSlideTable, refuseUnmatched } from '../cohort/slide-table.js';
import type { StatedText } from '../labels/event-texts.js';
import { readLabels } from '../labels/labels.js';
import type { Endpoint } from '../targets/target.js';
import type { EvaluateWith } from './parameters.js';

/** Risks or values with the outcomes that they are compared with. */
export interface ExternalScores {
  model: string;
  endpoint: 'survival' | 'regression';
  ensemble?: EnsembleFile;
  /** Name of the column of times or values. */
  quantity: string;
  /** Slides, or patients, with an outcome. */
  cases: Case[];
  /** What was left out, for the log. */
  warnings: string[];
}

/** The endpoint that `ensemble` states, or the columns of the predictions. */
export function externalEndpoint(file: string, ensemble: EvaluateWith['ensemble']): Endpoint {
  return ensemble === undefined
    ? endpointOfPredictions(file)
    : readEnsembleFile(ensemble.path).target.endpoint;
}

/**
 * Reads risks or values and their outcomes and joins them, at the level of slides or patients.
 *
 * @throws SamMilError InvalidInput for every fault of the files, before anything is scored
 */
export function readExternalScores(
  file: string,
  endpoint: 'survival' | 'regression',
  options: EvaluateWith,
): ExternalScores {
  refuseClassOptions(endpoint, options);
  const { level = 'slide', patientScore = 'mean' } = options;
  const ensemble = options.ensemble && readEnsembleFile(options.ensemble.path);
  const { slides, quantity, warnings } = withOutcomes(file, endpoint, options);
  const labels = options.labels?.path ?? file;
  const all = level === 'patient' ? combineCases(slides, patientsOf(slides, labels), patientScore) : slides;
  const known = ({ followUp, value }: Case) => followUp !== undefined || value !== undefined;
  const cases = all.filter(known);
  if (cases.length === 0) {
    throw new SamMilError('InvalidInput', `none of the ${slides.length} predicted slides has an outcome`, {
      file: labels,
      expected: endpoint === 'survival' ? 'columns of times and events' : 'a column of values',
      next: 'without outcomes, use the predictions of mil.predict only',
    });
  }
  const without = all.filter((one) => !known(one)).map(({ key }) => key);
  if (without.length > 0) {
    const things = level === 'patient' ? 'patients' : 'slides';
    warnings.push(`${without.length} ${things} without an outcome are not scored: ${firstNames(without)}`);
  }
  return {
    model: ensemble?.model ?? modelNameOf(file),
    ...{ endpoint, quantity, cases, warnings },
    ...(ensemble && { ensemble }),
  };
}

function withOutcomes(
  file: string,
  endpoint: 'survival' | 'regression',
  options: EvaluateWith,
): { slides: Case[]; quantity: string; warnings: string[] } {
  const scores = readGivenScores(file, endpoint);
  const path = options.labels?.path ?? file;
  const columns = options.labels === undefined ? { keyColumn: 'slide_id', ...options } : options;
  const { keyColumn, labelColumn, groupColumn, siteColumn } = columns;
  const named = { ...(keyColumn && { keyColumn }), ...(groupColumn && { groupColumn }) };
  const outcomes = readLabels(path, {
    ...{ endpoint, unmatched: 'drop', mayNotVary: true },
    ...named,
    ...(labelColumn && endpoint === 'regression' && { labelColumn }),
    ...(endpoint === 'survival' && followUpOptions(options)),
  });
  const byName = new Map(outcomes.rows.map((row) => [row.name, row]));
  const table = readSlideTable(path, undefined, { ...named, ...(siteColumn && { siteColumn }) });
  const joined = joinTable(scores.map(({ key }) => key), table); // prettier-ignore
  const warnings = [...outcomes.warnings];
  if (options.unmatched !== 'drop') refuseUnmatched(joined, table, 'predictions');
  else if (joined.missing.length + joined.strangers.length > 0) {
    const strangers = joined.strangers.map(({ name }) => name);
    warnings.push(
      `left out: ${joined.missing.length} predictions without a row (${firstNames(joined.missing)}), ${strangers.length} rows without a prediction (${firstNames(strangers)})`,
    );
  }
  const slides = scores.flatMap((slide): Case[] => {
    const row = joined.factsOf(slide.key);
    if (row === undefined) return [];
    const { patient, site, name } = row;
    const { followUp, value } = byName.get(name.trim()) ?? {};
    return [
      {
        ...slide,
        ...(patient !== undefined && { patient }),
        ...(site !== undefined && { site }),
        ...(followUp && { followUp }),
        ...(value !== undefined && { value }),
      },
    ];
  });
  return { slides, quantity: outcomes.quantity ?? '', warnings };
}

function followUpOptions({ timeColumn, eventColumn, eventValues, censoredValues }: EvaluateWith) {
  return {
    ...(timeColumn !== undefined && { timeColumn }),
    ...(eventColumn !== undefined && { eventColumn }),
    ...(eventValues && { eventValues: eventValues as StatedText[] }),
    ...(censoredValues && { censoredValues: censoredValues as StatedText[] }),
  };
}
