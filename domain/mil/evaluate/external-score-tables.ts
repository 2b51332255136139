import { formatCsv } from '../../files/csv.js';
import { bootstrapRows, pick, strataOf } from '../../statistics/bootstrap.js';
import type { Numbers } from '../../statistics/ranking.js';
import { regressionMetrics } from '../../statistics/regression/regression-metrics.js';
import { harrellConcordance } from '../../statistics/survival/concordance.js';
import type { Case } from '../cohort/patient-cases.js';
import type { HeadFacts } from './endpoint-files.js';
import type { ExternalScores } from './external-scores.js';
import { refuseOtherKeys, text } from './external-tables.js';
import { scoreRegression } from './score-regression.js';

const seriesOf = (cases: readonly Case[]) => ({
  scores: cases.map(({ score }) => score),
  times: cases.map(({ followUp }) => followUp?.time ?? NaN),
  events: cases.map(({ followUp }) => followUp?.event ?? NaN),
  values: cases.map(({ value }) => value ?? NaN),
});
type Series = ReturnType<typeof seriesOf>;

/** The number that sites and models are compared by: Harrell's concordance, or the RMSE. */
function mainScore(
  endpoint: ExternalScores['endpoint'],
  series: Series,
  scores: Numbers,
  rows?: Uint32Array,
) {
  const of = (values: Numbers) => (rows === undefined ? values : pick(values, rows));
  if (endpoint === 'survival') {
    return harrellConcordance({ times: of(series.times), events: of(series.events) }, of(scores)).cindex
      .value;
  }
  return regressionMetrics(of(scores), of(series.values)).rmse.value;
}

/** Survival: rows with and without an event are drawn separately. */
function strata(endpoint: ExternalScores['endpoint'], { events, values }: Series): number[][] {
  return endpoint === 'survival' ? strataOf(events) : [values.map((_, i) => i)];
}

/**
 * Formats the scores of each site: site, slides (or patients), and for survival events, concordance with its
 * 95 % bootstrap interval; for regression mae, rmse with its interval, r2. Empty: undefined.
 */
export function scoreSiteTable(
  { cases, endpoint }: ExternalScores,
  { level, seed }: Pick<HeadFacts, 'level' | 'seed'>,
  bootstrap: number,
): string | undefined {
  const sites = [...new Set(cases.flatMap(({ site }) => site ?? []))].sort();
  if (sites.length === 0) return undefined;
  const name = endpoint === 'survival' ? 'concordance' : 'rmse';
  const rows = sites.map((site) => {
    const own = cases.filter((one) => one.site === site);
    const series = seriesOf(own);
    const drawn = bootstrapRows(strata(endpoint, series), bootstrap, [seed, 'site', site], (chosen) => ({
      main: mainScore(endpoint, series, series.scores, chosen),
    }));
    return {
      ...{ site, [`${level}s`]: own.length },
      ...(endpoint === 'survival'
        ? { events: series.events.filter((event) => event === 1).length }
        : regressionCells(series)),
      [name]: text(mainScore(endpoint, series, series.scores)),
      [`${name}_low`]: text(drawn.main?.low),
      [`${name}_high`]: text(drawn.main?.high),
    };
  });
  const before = endpoint === 'survival' ? ['events'] : ['mae'];
  const after = endpoint === 'survival' ? [] : ['r2'];
  return formatCsv(['site', `${level}s`, ...before, name, `${name}_low`, `${name}_high`, ...after], rows);
}

function regressionCells({ scores, values }: Series) {
  const { mae, r2 } = scoreRegression(scores, values, { bootstrap: 0, stream: [] }).scores;
  return { mae: text(mae), r2: text(r2) };
}

/**
 * Formats the difference between this model and others on the same slides or patients: model, other, their
 * number, both concordances (or RMSEs), difference with its 95 % interval by a paired bootstrap.
 *
 * @throws SamMilError InvalidInput for other slides
 */
export function scoreComparisonTable(
  own: ExternalScores,
  others: readonly ExternalScores[],
  { level, seed }: Pick<HeadFacts, 'level' | 'seed'>,
  bootstrap: number,
): string {
  const { endpoint } = own;
  const name = endpoint === 'survival' ? 'concordance' : 'rmse';
  const series = seriesOf(own.cases);
  const rows = others.map((other) => {
    const names = ({ model, cases }: ExternalScores) => ({ model, keys: cases.map(({ key }) => key) });
    refuseOtherKeys(names(own), names(other), level);
    const byKey = new Map(other.cases.map(({ key, score }) => [key, score]));
    const scores = own.cases.map(({ key }) => byKey.get(key) ?? NaN);
    const difference = (chosen?: Uint32Array) => {
      const [a, b] = [series.scores, scores].map((one) => mainScore(endpoint, series, one, chosen));
      return a === null || b === null ? null : a - b;
    };
    const stream = [seed, 'comparison', own.model, other.model];
    const drawn = bootstrapRows(strata(endpoint, series), bootstrap, stream, (chosen) => ({
      difference: difference(chosen),
    }));
    return {
      ...{ model: own.model, other: other.model, [`${level}s`]: own.cases.length },
      [name]: text(mainScore(endpoint, series, series.scores)),
      [`${name}_other`]: text(mainScore(endpoint, series, scores)),
      difference: text(difference()),
      ...{ low: text(drawn.difference?.low), high: text(drawn.difference?.high) },
    };
  });
  const columns = ['model', 'other', `${level}s`, name, `${name}_other`, 'difference', 'low', 'high'];
  return formatCsv(columns, rows);
}
