/** A statistic, or null with the reason why the data do not define it. */
export type Estimate<T = number> = { value: T } | { value: null; why: string };

export function undefinedBecause(why: string): { value: null; why: string } {
  return { value: null, why };
}

/** The values of defined estimates. */
export function definedValues<T>(estimates: readonly Estimate<T>[]): T[] {
  return estimates.flatMap(({ value }) => (value === null ? [] : [value]));
}

/** Unweighted mean of the estimates that are defined. @param why reason if there are none */
export function meanOfDefined(estimates: readonly Estimate[], why: string): Estimate {
  const values = definedValues(estimates);
  if (values.length === 0) return undefinedBecause(why);
  return { value: values.reduce((sum, value) => sum + value, 0) / values.length };
}

/**
 * Mean of the estimates that are defined, each with its weight.
 * @param why reason if no estimate is defined, or if their weights are 0
 */
export function weightedMeanOfDefined(
  estimates: readonly Estimate[],
  weights: readonly number[],
  why: string,
): Estimate {
  let [sum, total] = [0, 0];
  for (const [i, { value }] of estimates.entries()) {
    if (value === null) continue;
    sum += weights[i] * value;
    total += weights[i];
  }
  return total === 0 ? undefinedBecause(why) : { value: sum / total };
}

/** Separates estimates into their values and the reasons of those that are undefined. */
export function valuesAndReasons<Name extends string>(
  names: readonly Name[],
  estimates: Readonly<Record<Name, Estimate>>,
): { values: Record<Name, number | null>; reasons: Partial<Record<Name, string>> } {
  const values = names.map((name) => [name, estimates[name].value] as const);
  const reasons = names.flatMap((name) => {
    const estimate = estimates[name];
    return estimate.value === null ? [[name, estimate.why] as const] : [];
  });
  return {
    values: Object.fromEntries(values) as Record<Name, number | null>,
    reasons: Object.fromEntries(reasons) as Partial<Record<Name, string>>,
  };
}
