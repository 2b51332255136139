import { colourStops, type ColourMapName } from '../../mil/heatmap/colour-map.js';
import type { Json, JsonObject } from '../../json.js';
import { html, trusted, type Markup } from './html.js';

/** What a heatmap shows and how its scores became colours: outputs of `mil.heatmap`. */
export interface HeatmapStyle {
  what: 'attention' | 'tumour-probability';
  scale: 'rank' | 'range' | 'none';
  colourMap: ColourMapName;
}

/** A colour scale with what its ends mean. */
export interface ColourScale {
  colourMap: ColourMapName;
  ends: readonly [string, string];
}

const SUBJECTS: Record<HeatmapStyle['what'], { title: string; name: string; means: string }> = {
  attention: {
    title: 'Where the model looks',
    name: 'attention',
    means: 'how much each patch counts for the slide',
  },
  'tumour-probability': {
    title: 'Tumour probability of patches',
    name: 'tumour probability',
    means: 'what the classifier says of each patch alone, trained with labels of whole slides only',
  },
};

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
  const what = oneOf(outputs.what, SUBJECTS) ?? 'attention';
  const scale = oneOf(outputs.scale, SCALES) ?? (what === 'attention' ? 'rank' : 'none');
  return { what, scale, colourMap: outputs['colour-map'] === 'magma' ? 'magma' : 'viridis' };
}

function oneOf<T extends string>(value: Json | undefined, known: Record<T, unknown>): T | undefined {
  return typeof value === 'string' && value in known ? (value as T) : undefined;
}

export function headingOf(styles: readonly HeatmapStyle[]): string {
  const subjects = new Set(styles.map(({ what }) => SUBJECTS[what].title));
  return subjects.size === 1 ? [...subjects][0] : 'Heatmaps';
}

/** One paragraph for each way in which heatmaps of this report were drawn. */
export function legendOf(styles: readonly HeatmapStyle[]): Markup {
  const distinct = new Map(styles.map((style) => [`${style.what} ${style.scale}`, style]));
  return html`${[...distinct.values()].map(({ what, scale }) => {
    const { name, means } = SUBJECTS[what];
    const { cyan, says } = SCALES[scale];
    return html`<p class="lead">
      Shown is the ${name}: ${means}. Colours: ${says}. Cyan, stronger the higher: ${cyan}. Blue outline: the
      annotated lesion.
    </p>`;
  })}`;
}

/** Captions of the pictures of one heatmap, by the name of the output. */
export function captionsOf({ what, scale, colourMap }: HeatmapStyle): [string, string, ColourScale?][] {
  const { name } = SUBJECTS[what];
  return [
    ['thumbnail', 'The slide'],
    ['overlay', `High ${name} in cyan`],
    ['overlay-map', `${name[0].toUpperCase()}${name.slice(1)}`, { colourMap, ends: SCALES[scale].ends }],
  ];
}

export function colourScale({ colourMap, ends }: ColourScale): Markup {
  const bar = `<span class="scale" style="background:linear-gradient(90deg,${colourStops(colourMap).join(', ')})"></span>`;
  return html`${ends[0]} ${trusted(bar)} ${ends[1]}`;
}
