import type { ItemRecord } from '../../job.js';
import type { Json } from '../../json.js';
import { heatmapCaptions, readStyle } from './heatmap-legend.js';
import { filesEndingIn, outputFile } from '../output-refs.js';
import { embedPicture } from './pictures.js';
import type { HeatmapResult, Picture, ReportData, SlidePictures } from './report-data.js';

const PICTURES = ['.jpg', '.jpeg', '.png'];
const LARGE = 900;
const SMALL = 240;
/**
 * Limits on the slides shown in full and on thumbnails, so that the report of a large cohort stays small
 * enough to email.
 */
const MOST_SLIDES = 4;
const MOST_SMALL = 48;

const CAPTIONS: Record<string, string> = {
  'mask-image': 'Detected tissue: outline and holes',
  mask: 'Detected tissue: outline and holes',
  'stitch-image': 'Selected patches at their positions',
  stitch: 'Selected patches at their positions',
  overlay: 'Segments, one color each, in the segmented box',
  segments: 'Segments, one color each, in the segmented box',
};

/** Reads the pictures that preprocessing made of the first few slides. */
export async function readSlides(items: readonly ItemRecord[], work: string): Promise<SlidePictures[]> {
  const slides: SlidePictures[] = [];
  for (const item of items.filter(({ status }) => status === 'done').slice(0, MOST_SLIDES)) {
    const pictures: Picture[] = [];
    for (const name of pictureNames(item)) {
      const { absolute } = await outputFile(item, name, work);
      pictures.push(
        await embedPicture(
          absolute,
          CAPTIONS[name] ?? name,
          `${CAPTIONS[name] ?? name}, slide ${item.key}`,
          LARGE,
        ),
      );
    }
    if (pictures.length > 0) slides.push({ name: item.key, pictures });
  }
  return slides;
}

/** Known pictures first, in the order in which the steps make them, then all others by name. */
function pictureNames(item: ItemRecord): string[] {
  const order = Object.keys(CAPTIONS);
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const names = filesEndingIn(item, PICTURES).map(({ name }) => name);
  return names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** Reads all heatmaps with thumbnails, and the large pictures of the few that the rule selects. */
export async function readHeatmaps(
  items: readonly ItemRecord[],
  work: string,
): Promise<Pick<ReportData, 'heatmaps' | 'shown'>> {
  // An item whose step was skipped by `if` is done but has no outputs.
  const done = items.filter(({ status, outputs }) => status === 'done' && outputs.overlay !== undefined);
  const heatmaps: HeatmapResult[] = [];
  for (const [i, item] of done.entries()) heatmaps.push(await readHeatmap(item, work, i < MOST_SMALL));
  const { keys, rule } = chooseShown(heatmaps);
  const shown: HeatmapResult[] = [];
  for (const key of keys) {
    const index = heatmaps.findIndex((heatmap) => heatmap.key === key);
    shown.push({ ...heatmaps[index], pictures: await largePictures(done[index], work) });
  }
  return { heatmaps, shown: { heatmaps: shown, rule } };
}

async function readHeatmap(item: ItemRecord, work: string, withPicture: boolean): Promise<HeatmapResult> {
  const { outputs, fields, key } = item;
  const small = withPicture
    ? await embedPicture(
        (await outputFile(item, 'overlay', work)).absolute,
        key,
        `Heatmap of slide ${key}`,
        SMALL,
      )
    : null;
  return {
    key,
    name: key,
    style: readStyle(outputs),
    set: text(outputs.set),
    label: text(outputs.label) ?? text(fields.label),
    lesionAuc: number(outputs['lesion-auc']),
    lesionPatches: number(outputs['lesion-patches']) ?? 0,
    patches: number(outputs.patches) ?? 0,
    pictures: [],
    small,
  };
}

async function largePictures(item: ItemRecord, work: string): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const [name, caption, scale] of heatmapCaptions(readStyle(item.outputs))) {
    if (item.outputs[name] === undefined) continue;
    const { absolute } = await outputFile(item, name, work);
    const picture = await embedPicture(absolute, caption, `${caption}: slide ${item.key}`, LARGE);
    pictures.push(scale === undefined ? picture : { ...picture, scale });
  }
  return pictures;
}

/**
 * Selects one slide with an annotation and one without, from the test set if it has any. Taking the first of
 * each by name avoids picking good-looking examples.
 */
export function chooseShown(heatmaps: readonly HeatmapResult[]): { keys: string[]; rule: string } {
  const tested = heatmaps.filter(({ set }) => set === 'test');
  const pool = tested.length > 0 ? tested : heatmaps;
  const kinds = [
    { called: 'with', first: pool.find(({ lesionAuc }) => lesionAuc !== null) },
    { called: 'without', first: pool.find(({ lesionAuc }) => lesionAuc === null) },
  ].flatMap(({ called, first }) => (first === undefined ? [] : [{ called, key: first.key }]));
  const from = tested.length > 0 ? 'in the test set' : 'among all slides (their set is unknown)';
  const which = kinds.map(({ called }) => called).join(' and the first ');
  const rule = `Shown enlarged: the first slide ${which} an annotation ${from}, by name.`;
  return { keys: kinds.map(({ key }) => key), rule };
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null;
}

function number(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
