import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { digestOf } from '../../../../domain/digest.js';
import { readCsv } from '../../../../domain/files/csv.js';
import type { JobResult, OutputFile } from '../../../../domain/job.js';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { RandomStream } from '../../../../domain/random.js';
import { run } from '../../../../domain/pathology/assemble-cohort/assemble-cohort.js';
import type { CohortWith } from '../../../../domain/pathology/assemble-cohort/parameters.js';
import { orient, quilt } from '../../../../domain/pathology/assemble-cohort/quilt.js';
import {
  dealToPatients,
  readSourcePatches,
} from '../../../../domain/pathology/assemble-cohort/source-patches.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { PRESETS } from '../../../../domain/pathology/patch/tissue/parameters.js';
import { patchGrid } from '../../../../domain/pathology/patch/patch-grid.js';
import { PolygonIndex } from '../../../../domain/pathology/patch/tissue/polygon.js';
import { segmentTissue } from '../../../../domain/pathology/patch/tissue/find-tissue.js';
import { bundled } from '../../../support/bundled.js';
import { makeJob } from '../../../support/job.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

before(() => findOpenSlideLibrary());

async function assemble(
  context: TestContext,
  patches: string,
  slides: number,
  seed = 2021,
): Promise<JobResult> {
  const given = { patches: { path: patches, digest: '', name: 'cohort' }, slides, seed, grid: 4 };
  return run(makeJob<CohortWith>(temporaryFolder(context), given, { name: 'cohort' }));
}

const digests = ({ files, alongside = [] }: JobResult) =>
  [...alongside, ...Object.values(files)].map(({ from, to }) => [to, digestOf(readFileSync(from))]);

function made({ alongside = [] }: JobResult, path: string): OutputFile {
  const file = alongside.find(({ to }) => to === path);
  assert.ok(file, `${path} was made`);
  return file;
}

function outlineOf(xml: string): Int32Array {
  const corners = [...xml.matchAll(/<Coordinate Order="\d+" X="([\d.]+)" Y="([\d.]+)" \/>/g)];
  return Int32Array.from(corners.flatMap(([, x, y]) => [Number(x), Number(y)]));
}

test('writes slides that OpenSlide reads, with annotations inside their tissue and the same bits each time', async (context) => {
  const result = await assemble(context, bundled('cohort'), 3);
  assert.deepEqual(digests(await assemble(context, bundled('cohort'), 3)), digests(result));
  const other = await assemble(context, bundled('cohort'), 2, 7);
  assert.notDeepEqual(digests(other)[0], digests(result)[0], 'the seed matters');

  const { columns, rows } = readCsv(result.files.table.from, { header: true });
  assert.deepEqual(columns, ['slide_id', 'path', 'label', 'patient', 'annotation']);
  assert.deepEqual(result.values, { count: 3, tumor: 1, patients: 2 });
  assert.equal(rows.filter(({ values }) => values.label === 'tumor').length, 1);
  for (const { values } of rows) {
    const slide = openSlide(made(result, `slides/${values.slide_id}.tif`).from);
    assert.equal(values.path, `slides/${values.slide_id}.tif`);
    assert.equal(slide.info.vendor, 'generic-tiff');
    assert.deepEqual(slide.info.mpp, [0.25, 0.25]);
    assert.ok(slide.info.levels.length >= 3);
    const { contours } = await segmentTissue(slide, PRESETS.bwh_biopsy, new AbortController());
    assert.equal(contours.length, 1, 'one piece of tissue');
    const { width, height } = slide.info.levels[0];
    const grid = { ...PRESETS.bwh_biopsy, patchSize: 256, stepSize: 256 };
    assert.ok(patchGrid(contours, slide.info.levels[0], [width, height], grid).length / 2 >= 12);
    assert.equal(values.annotation === '', values.label === 'normal');
    if (values.label === 'tumor') {
      const { from, to } = made(result, `annotations/${values.slide_id}.xml`);
      assert.equal(to, values.annotation);
      const xml = readFileSync(from, 'utf8');
      assert.match(xml, /<Annotation Name="_0" Type="Polygon" PartOfGroup="Tumor"/);
      const corners = outlineOf(xml);
      assert.equal(corners.length, 2 * 72);
      const tissue = new PolygonIndex(contours[0].outline);
      for (let i = 0; i < corners.length; i += 2) assert.equal(tissue.locate(corners[i], corners[i + 1]), 1);
    }
    slide.close();
  }
});

test('tumor appears only inside the recorded outline, and never in normal slides', async (context) => {
  const folder = temporaryFolder(context);
  await coloredPatches(folder);
  const result = await assemble(context, folder, 4);
  for (const { values } of readCsv(result.files.table.from, { header: true }).rows) {
    const slide = openSlide(made(result, `slides/${values.slide_id}.tif`).from);
    const { width } = slide.info.levels[0];
    const rgb = slide.readLevel(0);
    slide.close();
    const tumor = values.label === 'tumor';
    const outline = tumor
      ? outlineOf(readFileSync(made(result, `annotations/${values.slide_id}.xml`).from, 'utf8'))
      : undefined;
    const lesion = outline && new PolygonIndex(outline);
    let [inside, green, outside] = [0, 0, 0];
    for (let i = 0; i < rgb.length; i += 3) {
      const pixel = i / 3;
      const within = (lesion?.locate(pixel % width, Math.floor(pixel / width)) ?? -1) >= 0;
      if (within && rgb[i + 1] > rgb[i] + 40) green++;
      if (rgb[i] <= rgb[i + 1] + 40) continue;
      if (within) inside++;
      else outside++;
    }
    // JPEG blocks spread color a few pixels across the line where it fades in, but not further.
    assert.ok(outside <= 40, `${values.slide_id}: ${outside} red pixels outside`);
    assert.equal(inside > 20_000, tumor, `${values.slide_id}: ${inside} red pixels inside`);
    assert.ok(
      green < inside / 4 || !tumor,
      `${values.slide_id}: the lesion is filled, but for its rim (${green})`,
    );
  }
});

test('no two patients share tissue', async () => {
  const patches = await readSourcePatches(bundled('cohort'));
  assert.equal(patches.length, 89);
  const patients = dealToPatients(patches, 12);
  assert.equal(patients.length, 6);
  assert.equal(patients.flat().length, patches.length);
  for (const [index, patient] of patients.entries()) {
    for (const label of ['normal', 'tumor']) {
      assert.ok(patient.filter((patch) => patch.label === label).length >= 4, `patient ${index}, ${label}`);
    }
    for (const other of patients.slice(index + 1).flat()) {
      for (const own of patient) {
        const apart = Math.max(Math.abs(own.x - other.x), Math.abs(own.y - other.y));
        assert.ok(own.source !== other.source || apart >= 256, `${own.file} and ${other.file}`);
      }
    }
  }
  assert.equal(dealToPatients(patches, 3).length, 3);
});

test('quilted tissue has only colors of its patches, and all eight orientations of a square', () => {
  const patches = [0, 1, 2].map((kind) => {
    const random = new RandomStream('patch', kind);
    return Uint8Array.from({ length: 256 * 256 * 3 }, () => 100 + 10 * kind + random.below(10));
  });
  const { rgb, side } = quilt(patches, 500, new RandomStream('quilt'));
  assert.ok(side >= 500 && rgb.length === side * side * 3);
  assert.ok(rgb.every((value) => value >= 100 && value < 130));
  const all = Array.from({ length: 8 }, (_, orientation) => digestOf(orient(patches[0], orientation)));
  assert.equal(new Set(all).size, 8);
  const turned = [1, 1, 1, 1].reduce<Uint8Array>((block, turn) => orient(block, turn), patches[0]);
  assert.deepEqual(turned, patches[0]);
});

test('refuses invalid folders by name', async (context) => {
  const folder = temporaryFolder(context);
  await assert.rejects(assemble(context, folder, 2), {
    name: 'InvalidInput',
    message: /normal.*at least 7.*found 0/,
  });
  await coloredPatches(folder);
  const [first] = readdirSync(join(folder, 'normal'));
  await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .png()
    .toFile(join(folder, 'normal', first));
  await assert.rejects(assemble(context, folder, 2), {
    name: 'InvalidInput',
    message: /256 x 256.*found 9 x 9/,
  });
});

/** Green noise for normal, red noise for tumor. */
async function coloredPatches(folder: string): Promise<void> {
  for (const [label, base] of [
    ['normal', [60, 160, 60]],
    ['tumor', [190, 60, 60]],
  ] as const) {
    mkdirSync(join(folder, label), { recursive: true });
    for (let patch = 0; patch < 8; patch++) {
      const random = new RandomStream(label, patch);
      const data = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => base[i % 3] + random.below(20));
      const file = join(folder, label, `${label}_001_${patch * 1000}_${patch * 1000}.png`);
      await sharp(data, { raw: { width: 256, height: 256, channels: 3 } })
        .png()
        .toFile(file);
    }
  }
}
