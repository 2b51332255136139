import type { ItemRecord } from '../../../job.js';
import type { Json } from '../../../json.js';
import { describeAnnotated } from '../figures/annotated.js';
import { heatmapCaptions, readStyle } from '../figures/heatmap-legend.js';
import { filesEndingIn, outputFile } from '../../output-refs.js';
import { embedPicture } from './pictures.js';
import type { HeatmapResult, Picture, ReportData, SlidePictures } from '../data/report-data.js';

const PICTURES = ['.jpg', '.jpeg', '.png'];
const LARGE = 900;
/** Slides whose pictures are shown large. */
const MOST_LARGE = 4;
const ERROR = 320;
/**
 * Most thumbnails of each kind: with their sizes, a page of several hundred slides remains small enough to
 * open on a phone.
 */
const MOST_SMALL = 1200;
const FEW = 150;

const CAPTIONS: Record<string, string> = {
  'mask-image': 'Detected tissue: outline and holes',
  mask: 'Detected tissue: outline and holes',
  'stitch-image': 'Selected patches at their positions',
  stitch: 'Selected patches at their positions',
  overlay: 'Segments, one color each, in the segmented box',
  segments: 'Segments, one color each, in the segmented box',
};

/** Longer side of a thumbnail, in pixels. */
function smallSize(pictures: number): number {
  return pictures <= FEW ? 240 : 128;
}

/** Reads the pictures that preprocessing made: large ones of the first few slides, and thumbnails of all. */
export async function readSlides(
  items: readonly ItemRecord[],
  work: string,
): Promise<Pick<ReportData, 'slides' | 'gallery' | 'slidesWithoutPictures'>> {
  const done = items
    .filter(({ status }) => status === 'done')
    .map((item) => ({ item, names: pictureNames(item) }))
    .filter(({ names }) => names.length > 0);
  const large: SlidePictures[] = [];
  for (const { item, names } of done.slice(0, MOST_LARGE)) {
    large.push({ name: item.key, pictures: await readPictures(item, names, work, LARGE) });
  }
  if (done.length <= MOST_LARGE) return { slides: large, gallery: [], slidesWithoutPictures: 0 };
  const each = Math.max(1, Math.floor(MOST_SMALL / done.length));
  const shown = done.slice(0, MOST_SMALL).map(({ item, names }) => ({ item, names: names.slice(0, each) }));
  const size = smallSize(shown.reduce((sum, { names }) => sum + names.length, 0));
  const gallery: SlidePictures[] = [];
  for (const { item, names } of shown) {
    gallery.push({ name: item.key, pictures: await readPictures(item, names, work, size) });
  }
  return { slides: large, gallery, slidesWithoutPictures: done.length - shown.length };
}

async function readPictures(
  item: ItemRecord,
  names: readonly string[],
  work: string,
  longest: number,
): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const name of names) {
    const { absolute } = await outputFile(item, name, work);
    const caption = CAPTIONS[name] ?? name;
    pictures.push(await embedPicture(absolute, caption, `${caption}, slide ${item.key}`, longest));
  }
  return pictures;
}

/** For each of these slides that has pictures: the slide, and its heatmap if one was drawn. */
export async function readErrorPictures(
  keys: readonly string[],
  given: { slide: readonly ItemRecord[]; heatmap: readonly ItemRecord[] },
  work: string,
): Promise<Map<string, Picture[]>> {
  const pictures = new Map<string, Picture[]>();
  for (const key of keys) {
    const find = (items: readonly ItemRecord[]) =>
      items.find((item) => item.key === key && item.status === 'done');
    const [slide, heatmap] = [find(given.slide), find(given.heatmap)];
    const found: Picture[] = [];
    const add = async (item: ItemRecord, name: string, caption: string) => {
      const { absolute } = await outputFile(item, name, work);
      found.push(await embedPicture(absolute, caption, `${caption}: slide ${key}`, ERROR));
    };
    const [first] = slide === undefined ? [] : pictureNames(slide);
    if (heatmap?.outputs.thumbnail !== undefined) await add(heatmap, 'thumbnail', 'Slide');
    else if (slide !== undefined && first !== undefined) await add(slide, first, CAPTIONS[first] ?? first);
    if (heatmap?.outputs.overlay !== undefined) {
      await add(heatmap, 'overlay', describeOverlay(heatmap));
    }
    if (found.length > 0) pictures.set(key, found);
  }
  return pictures;
}

const USES: Record<string, string> = {
  train: 'was trained with this slide',
  val: 'was validated with this slide',
  test: 'has not seen this slide',
};

function describeOverlay({ outputs }: ItemRecord): string {
  const [, [, caption]] = heatmapCaptions(readStyle(outputs));
  const set = text(outputs.set);
  return set === null ? caption : `${caption} (of a model that ${USES[set] ?? `has it in its set ${set}`})`;
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
  const size = smallSize(done.length);
  for (const [i, item] of done.entries()) {
    heatmaps.push(await readHeatmap(item, work, i < MOST_SMALL ? size : null));
  }
  const { keys, rule } = chooseShown(heatmaps);
  const shown: HeatmapResult[] = [];
  for (const key of keys) {
    const index = heatmaps.findIndex((heatmap) => heatmap.key === key);
    shown.push({ ...heatmaps[index], pictures: await largePictures(done[index], work) });
  }
  return { heatmaps, shown: { heatmaps: shown, rule } };
}

async function readHeatmap(item: ItemRecord, work: string, size: number | null): Promise<HeatmapResult> {
  const { outputs, fields, key } = item;
  const small =
    size !== null
      ? await embedPicture(
          (await outputFile(item, 'overlay', work)).absolute,
          key,
          `Heatmap of slide ${key}`,
          size,
        )
      : null;
  return {
    key,
    name: key,
    style: readStyle(outputs),
    set: text(outputs.set),
    label: text(outputs.label) ?? text(fields.label),
    lesionAuc: number(outputs['lesion-auc']),
    annotated: describeAnnotated(outputs.annotated),
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
