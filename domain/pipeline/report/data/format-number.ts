/** Formats a fraction as percent without the sign, as papers print it: 0.9454 becomes `94.54`. */
export function percent(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : (value * 100).toFixed(digits);
}

/** Formats seconds as `4.2 s`, `3 min 5 s` or `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** First 12 digits of a digest, enough for a reader to tell files apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** A difference of fractions in percentage points, with its sign. */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;
}

/** A p value; NaN where two models rank all slides equally. */
export function probability(p: number): string {
  if (Number.isNaN(p)) return 'identical ranks';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** Bytes as `310 MB` or `1.4 GB`. */
export function memory(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A value with three decimals below 100, fewer above: `0.712`, `14.3`, `1250`. */
export function compact(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3).replace('-', '−');
}

/** {@link compact} with its sign. */
export function signedCompact(value: number): string {
  return value < 0 ? compact(value) : `+${compact(value)}`;
}
