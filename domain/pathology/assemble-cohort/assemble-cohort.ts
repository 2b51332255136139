import { join } from 'node:path';
import sharp from 'sharp';
import { fsyncPath, writeAtomic } from '../../files/atomic.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { formatCsv } from '../../files/csv.js';
import type { Job, JobResult, OutputFile } from '../../job.js';
import { RandomStream } from '../../random.js';
import { asapXml } from './write-asap-xml.js';
import { paintSlide, type PaintedSlide } from './paint-slide.js';
import { dealToPatients, readSourcePatches, type SourcePatch, type TissueClass } from './source-patches.js';
import { matchStains, randomStaining, recolor } from './stain.js';
import type { CohortWith } from './parameters.js';

/** Stated µm per pixel of the slides; the patches were scanned at 40x. */
const MPP = 0.25;

/** Slides per patient, if there are enough patches for that many patients. */
const SLIDES_PER_PATIENT = 2;

interface PlannedSlide {
  id: string;
  label: TissueClass;
  patient: number;
}

/**
 * Assembles small pyramidal slides from labeled patches of real tissue. Half of them contain a tumor lesion
 * at a recorded position. No source tissue appears in slides of two patients. The same patches, counts and
 * seed give the same bits.
 */
export async function run(job: Job<CohortWith>): Promise<JobResult> {
  const { patches, slides, seed, grid } = job.with;
  const sources = await readSourcePatches(patches.path);
  matchStains(sources);
  const patients = dealToPatients(sources, Math.ceil(slides / SLIDES_PER_PATIENT));
  const planned = planSlides(slides, patients.length, seed);
  for (const folder of ['slides', 'annotations']) makeScratchFolder(job.scratch, folder);
  const alongside: OutputFile[] = [];
  for (const [done, slide] of planned.entries()) {
    job.signal.throwIfAborted();
    job.progress({ unit: 'slides', done, total: slides });
    const painted = paint(slide, patients[slide.patient], grid, seed);
    alongside.push(output(job, slidePath(slide)));
    await writePyramid(join(job.scratch, slidePath(slide)), painted);
    if (slide.label === 'normal') continue;
    alongside.push(output(job, annotationPath(slide)));
    writeAtomic(join(job.scratch, annotationPath(slide)), formatAnnotation(painted));
  }
  const files = { table: output(job, 'cohort.csv'), sources: output(job, 'sources.csv') };
  writeAtomic(files.table.from, formatTable(planned));
  writeAtomic(files.sources.from, formatSources(patients));
  job.progress({ unit: 'slides', done: slides, total: slides });
  const tumor = planned.filter(({ label }) => label === 'tumor').length;
  return { files, alongside, values: { count: slides, tumor, patients: patients.length } };
}

/** Distributes classes and patients evenly, in an order that does not reveal them. */
function planSlides(count: number, patients: number, seed: number): PlannedSlide[] {
  const digits = Math.max(2, String(count).length);
  const order = new RandomStream('cohort', seed, 'order').permutation(count);
  return Array.from(order, (place, index) => ({
    id: `slide_${String(index + 1).padStart(digits, '0')}`,
    label: place % 2 === 0 ? 'normal' : 'tumor',
    patient: Math.floor(place / 2) % patients,
  }));
}

function paint(
  { id, label }: PlannedSlide,
  patient: readonly SourcePatch[],
  grid: number,
  seed: number,
): PaintedSlide {
  const staining = randomStaining(new RandomStream('cohort', seed, id, 'staining'));
  const stained = (requested: TissueClass) =>
    patient
      .filter((patch) => patch.label === requested)
      .map(({ rgb }) => recolor(rgb, staining, new Uint8Array(rgb.length)));
  return paintSlide(grid, stained('normal'), stained(label), 'cohort', seed, id);
}

/**
 * Writes tiled JPEG levels, each half the size of the previous one, as the generic TIFF reader of OpenSlide
 * requires.
 */
async function writePyramid(path: string, { data, width, height, channels }: PaintedSlide): Promise<void> {
  const pixelsPerMillimeter = 1000 / MPP;
  await sharp(data, { raw: { width, height, channels } })
    .tiff({
      compression: 'jpeg',
      quality: 80,
      tile: true,
      tileWidth: 256,
      tileHeight: 256,
      pyramid: true,
      xres: pixelsPerMillimeter,
      yres: pixelsPerMillimeter,
      resolutionUnit: 'cm',
    })
    .toFile(path);
  fsyncPath(path);
}

function formatAnnotation({ lesion }: PaintedSlide): string {
  return asapXml([{ name: '_0', group: 'Tumor', corners: lesion.corners() }]);
}

function formatTable(planned: readonly PlannedSlide[]): string {
  const rows = planned.map((slide) => ({
    slide_id: slide.id,
    path: slidePath(slide),
    label: slide.label,
    patient: patientName(slide.patient),
    annotation: slide.label === 'tumor' ? annotationPath(slide) : '',
  }));
  return formatCsv(['slide_id', 'path', 'label', 'patient', 'annotation'], rows);
}

/** Lists the patches of each patient, which shows that no two patients share any. */
function formatSources(patients: readonly (readonly SourcePatch[])[]): string {
  const rows = patients.flatMap((patches, patient) =>
    [...patches]
      .sort((a, b) => (a.file < b.file ? -1 : 1))
      .map(({ file, label, source }) => ({ patient: patientName(patient), label, source, patch: file })),
  );
  return formatCsv(['patient', 'label', 'source', 'patch'], rows);
}

function patientName(patient: number): string {
  return `patient_${patient + 1}`;
}

function slidePath({ id }: PlannedSlide): string {
  return `slides/${id}.tif`;
}

function annotationPath({ id }: PlannedSlide): string {
  return `annotations/${id}.xml`;
}

function output({ scratch }: Job<CohortWith>, path: string): OutputFile {
  return { from: join(scratch, path), to: path };
}
