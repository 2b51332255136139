import type { RandomStream } from '../../random.js';
import type { SourcePatch } from './source-patches.js';

/** One table of 256 output values for each of red, green, blue. */
export type ColorTables = readonly [Uint8Array, Uint8Array, Uint8Array];

/** Optical density of each 8-bit value in nepers, in which stains add up (Beer-Lambert law). */
const DENSITY = Float64Array.from({ length: 256 }, (_, value) => -Math.log((value + 1) / 256));

function densityToValue(density: number): number {
  return Math.max(0, Math.min(255, Math.round(256 * Math.exp(-density) - 1)));
}

/**
 * Adjusts, in place, the mean and spread of optical density per channel of each source slide and class to
 * those of the same class in one reference slide (after Reinhard et al., "Color transfer between images",
 * 2001, applied to densities). This removes differences between scanned slides and keeps those between
 * classes. The reference is the slide with the most patches of its rarer class.
 */
export function matchStains(patches: readonly SourcePatch[]): void {
  const groups = new Map<string, SourcePatch[]>();
  for (const patch of patches) {
    const name = `${patch.source} ${patch.label}`;
    groups.set(name, [...(groups.get(name) ?? []), patch]);
  }
  const size = (source: string, label: string) => groups.get(`${source} ${label}`)?.length ?? 0;
  const scarcer = (source: string) => Math.min(size(source, 'normal'), size(source, 'tumor'));
  const sources = [...new Set(patches.map(({ source }) => source))].sort();
  const reference = sources.reduce((best, source) => (scarcer(source) > scarcer(best) ? source : best));
  const targets = new Map([...groups].map(([name, members]) => [name, densityStatistics(members)]));
  for (const [name, members] of groups) {
    const target = targets.get(`${reference} ${members[0].label}`);
    if (target === undefined || members[0].source === reference) continue;
    const own = targets.get(name)!;
    const tables = own.map((channel, c) => affineTable(channel, target[c])) as unknown as ColorTables;
    for (const { rgb } of members) recolor(rgb, tables, rgb);
  }
}

/** Random staining for a slide: all densities times 0.85 to 1.15, and each channel times 0.96 to 1.04. */
export function randomStaining(random: RandomStream): ColorTables {
  const strength = 0.85 + 0.3 * random.uniform();
  const table = () => {
    const gain = strength * (0.96 + 0.08 * random.uniform());
    return Uint8Array.from(DENSITY, (density) => densityToValue(density * gain));
  };
  return [table(), table(), table()];
}

export function recolor(rgb: Uint8Array, tables: ColorTables, into: Uint8Array): Uint8Array {
  for (let i = 0; i < rgb.length; i += 3) {
    for (let c = 0; c < 3; c++) into[i + c] = tables[c][rgb[i + c]];
  }
  return into;
}

interface Statistics {
  mean: number;
  deviation: number;
}

function densityStatistics(patches: readonly SourcePatch[]): Statistics[] {
  return [0, 1, 2].map((channel) => {
    const counts = new Float64Array(256);
    for (const { rgb } of patches) for (let i = channel; i < rgb.length; i += 3) counts[rgb[i]]++;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const mean = counts.reduce((sum, count, value) => sum + count * DENSITY[value], 0) / total;
    const variance =
      counts.reduce((sum, count, value) => sum + count * (DENSITY[value] - mean) ** 2, 0) / total;
    return { mean, deviation: Math.sqrt(variance) };
  });
}

function affineTable(own: Statistics, target: Statistics): Uint8Array {
  const gain = own.deviation > 0 ? target.deviation / own.deviation : 1;
  return Uint8Array.from(DENSITY, (density) => densityToValue((density - own.mean) * gain + target.mean));
}
