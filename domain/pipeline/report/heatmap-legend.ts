import { colorStops, type ColormapName } from '../../mil/heatmap/colormap.js';
import type { Json, JsonObject } from '../../json.js';
import type { HeatmapScore } from '../../mil/heatmap/shown-class.js';
import { html, trusted, type Markup } from './html.js';

/** What a heatmap shows and how its scores became colors: outputs of `mil.heatmap`. */
export interface HeatmapStyle {
  score: HeatmapScore;
  /** Class whose probability is shown, where that is known. */
  class?: string;
  scale: 'rank' | 'range' | 'none';
  colormap: ColormapName;
}

/** A color scale with what its ends mean. */
export interface ColorScale {
  colormap: ColormapName;
  ends: readonly [string, string];
}

/** `name` is in the middle of a sentence. */
interface Subject {
  title: string;
  name: string;
  means: string;
}

const ATTENTION: Subject = {
  title: 'Where the model looks',
  name: 'attention',
  means: 'how much each patch counts for the slide',
};

function subjectOf(style: Pick<HeatmapStyle, 'score' | 'class'>): Subject {
  if (style.score === 'attention') return ATTENTION;
  const name = style.class === undefined ? 'class probability' : `probability of ${style.class}`;
  const means = 'what the classifier says of each patch alone, trained with labels of whole slides only';
  return { title: `${capitalized(name)} in each patch`, name, means };
}

function capitalized(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

const SCALES: Record<HeatmapStyle['scale'], { cyan: string; ends: readonly [string, string]; says: string }> =
  {
    rank: {
      cyan: 'patches in the upper half of the slide’s ranking',
      ends: ['lowest', 'highest'],
      says: 'by rank within the slide, so each slide has its highest, whether or not it stands out',
    },
    range: {
      cyan: 'patches above the middle between the slide’s least and greatest score',
      ends: ['least', 'greatest'],
      says: 'from the slide’s least score to its greatest',
    },
    none: { cyan: 'patches above 0.5', ends: ['0', '1'], says: 'as they are, the same on every slide' },
  };

/** Values that an older record lacks, or that nobody knows, count as the defaults of `mil.heatmap`. */
export function styleOf(outputs: JsonObject): HeatmapStyle {
  const score = outputs.score === 'class-probability' ? outputs.score : 'attention';
  const scale = oneOf(outputs.scale, SCALES) ?? (score === 'attention' ? 'rank' : 'none');
  const colormap = outputs.colormap === 'magma' ? 'magma' : 'viridis';
  return { score, scale, colormap, ...(typeof outputs.class === 'string' && { class: outputs.class }) };
}

function oneOf<T extends string>(value: Json | undefined, known: Record<T, unknown>): T | undefined {
  return typeof value === 'string' && value in known ? (value as T) : undefined;
}

export function headingOf(styles: readonly HeatmapStyle[]): string {
  const subjects = new Set(styles.map((style) => subjectOf(style).title));
  return subjects.size === 1 ? [...subjects][0] : 'Heatmaps';
}

/** One paragraph for each way in which heatmaps of this report were drawn. */
export function legendOf(styles: readonly HeatmapStyle[]): Markup {
  const distinct = new Map(
    styles.map((style) => [`${style.score} ${style.scale} ${style.class ?? ''}`, style]),
  );
  return html`${[...distinct.values()].map((style) => {
    const { name, means } = subjectOf(style);
    const { cyan, says } = SCALES[style.scale];
    return html`<p class="lead">
      Shown is the ${name}: ${means}. Colors: ${says}. Cyan, stronger the higher: ${cyan}. Blue outline: the
      annotated lesion.
    </p>`;
  })}`;
}

/** Captions of the pictures of one heatmap, by the name of the output. */
export function captionsOf(style: HeatmapStyle): [string, string, ColorScale?][] {
  const { name } = subjectOf(style);
  const { colormap, scale } = style;
  return [
    ['thumbnail', 'The slide'],
    ['overlay', `High ${name} in cyan`],
    ['overlay-map', capitalized(name), { colormap, ends: SCALES[scale].ends }],
  ];
}

export function colorScale({ colormap, ends }: ColorScale): Markup {
  const bar = `<span class="scale" style="background:linear-gradient(90deg,${colorStops(colormap).join(', ')})"></span>`;
  return html`${ends[0]} ${trusted(bar)} ${ends[1]}`;
}
