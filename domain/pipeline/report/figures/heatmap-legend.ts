import { colorStops } from '../../../mil/heatmap/colormap.js';
import type { Json, JsonObject } from '../../../json.js';
import type { ColorScale, HeatmapStyle } from '../data/report-data.js';
import { html, trusted, type Markup } from '../data/html.js';

/** `name` is used in the middle of a sentence. */
interface Subject {
  title: string;
  name: string;
  means: string;
}

const ATTENTION: Subject = {
  title: 'Where the model looks',
  name: 'attention',
  means: 'the weight of each patch in the prediction for the slide',
};

function describeSubject(style: Pick<HeatmapStyle, 'score' | 'class'>): Subject {
  if (style.score === 'attention') return ATTENTION;
  const name = style.class === undefined ? 'class probability' : `probability of ${style.class}`;
  const means = 'the output of the classifier for each patch alone; it was trained with slide labels only';
  return { title: `${capitalized(name)} in each patch`, name, means };
}

function capitalized(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

const SCALES: Record<HeatmapStyle['scale'], { cyan: string; ends: readonly [string, string]; says: string }> =
  {
    rank: {
      cyan: 'patches in the upper half of the ranking',
      ends: ['lowest', 'highest'],
      says: 'by rank within the slide, so every slide has a highest patch, whether or not it is distinctive',
    },
    range: {
      cyan: 'patches above the midpoint between the lowest and the highest score of the slide',
      ends: ['lowest score', 'highest score'],
      says: 'from the lowest score of the slide to its highest',
    },
    none: { cyan: 'patches above 0.5', ends: ['0', '1'], says: 'absolute, the same scale on every slide' },
  };

/** Reads the style from an item's outputs. Missing or unknown values become the defaults of `mil.heatmap`. */
export function readStyle(outputs: JsonObject): HeatmapStyle {
  const score = outputs.score === 'class-probability' ? outputs.score : 'attention';
  const scale = oneOf(outputs.scale, SCALES) ?? (score === 'attention' ? 'rank' : 'none');
  const colormap = outputs.colormap === 'magma' ? 'magma' : 'viridis';
  return { score, scale, colormap, ...(typeof outputs.class === 'string' && { class: outputs.class }) };
}

function oneOf<T extends string>(value: Json | undefined, known: Record<T, unknown>): T | undefined {
  return typeof value === 'string' && value in known ? (value as T) : undefined;
}

export function heatmapHeading(styles: readonly HeatmapStyle[]): string {
  const subjects = new Set(styles.map((style) => describeSubject(style).title));
  return subjects.size === 1 ? [...subjects][0] : 'Heatmaps';
}

/** One paragraph for each style of the heatmaps in this report. */
export function heatmapLegend(styles: readonly HeatmapStyle[]): Markup {
  const distinct = new Map(
    styles.map((style) => [`${style.score} ${style.scale} ${style.class ?? ''}`, style]),
  );
  return html`${[...distinct.values()].map((style) => {
    const { name, means } = describeSubject(style);
    const { cyan, says } = SCALES[style.scale];
    return html`<p class="lead">
      The heatmaps show the ${name}: ${means}. Colors: ${says}. Cyan marks ${cyan}; a stronger cyan is a
      higher score. The blue outline is the annotated lesion.
    </p>`;
  })}`;
}

/** Captions for the pictures of one heatmap: output name, caption, color scale. */
export function heatmapCaptions(style: HeatmapStyle): [string, string, ColorScale?][] {
  const { name } = describeSubject(style);
  const { colormap, scale } = style;
  return [
    ['thumbnail', 'Slide'],
    ['overlay', `High ${name} in cyan`],
    ['overlay-map', capitalized(name), { colormap, ends: SCALES[scale].ends }],
  ];
}

export function colorScale({ colormap, ends }: ColorScale): Markup {
  const bar = `<span class="scale" style="background:linear-gradient(90deg,${colorStops(colormap).join(', ')})"></span>`;
  return html`${ends[0]} ${trusted(bar)} ${ends[1]}`;
}
