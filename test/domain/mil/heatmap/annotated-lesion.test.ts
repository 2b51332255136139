import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, JsonObject } from '../../../../domain/json.js';
import { readLesion } from '../../../../domain/mil/heatmap/annotated-lesion.js';
import { lesionFit } from '../../../../domain/mil/heatmap/heatmap-scores.js';
import type { HeatmapWith } from '../../../../domain/mil/heatmap/parameters.js';
import { inputFile, makeJob } from '../../../support/job.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { hasCode } from '../support.js';

const rect = (x: number, y: number, width: number, height: number): Json => [
  [
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
    [x, y],
    [x + width, y],
  ],
];
const T = rect(64, 64, 256, 256);
const corner = rect(192, 64, 128, 128);
const all = rect(0, 0, 512, 512);
const feature = (coordinates: Json, classification?: Json, more: JsonObject = {}): JsonObject => ({
  type: 'Feature',
  geometry: { type: 'Polygon', coordinates },
  properties: { objectType: 'annotation', ...(classification !== undefined && { classification }), ...more },
});
const collection = (...features: JsonObject[]) => JSON.stringify({ type: 'FeatureCollection', features });
const tumor = { name: 'Tumor', color: [200, 0, 0] };

/** Counts the patches in the lesion, of 8 x 8 patches of 64 level-0 pixels. */
async function lesionOf(context: TestContext, text: string, given: Partial<HeatmapWith> = {}) {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'annotation'), text);
  const file = await inputFile(join(folder, 'annotation'));
  const parameters = { ...given, annotation: file } as HeatmapWith;
  const job = makeJob<HeatmapWith>(folder, parameters, {});
  const lesion = readLesion(job, [0, 0]);
  assert.ok(lesion);
  const coords = Array.from({ length: 64 }, (_, i) => [64 * (i % 8), 64 * Math.floor(i / 8)]).flat();
  const { inLesion } = lesionFit(coords, new Array<number>(64).fill(0), 64, lesion.regions);
  return { inLesion, facts: lesion.facts, lines: job.lines };
}

test('a derived class counts by its names, and an ignored one is cut out', async (context) => {
  const count = async (...features: JsonObject[]) =>
    (await lesionOf(context, collection(...features))).inLesion;
  assert.equal(await count(feature(T, tumor), feature(corner, { name: 'Ignore*' })), 12);
  assert.equal(await count(feature(T, tumor), feature(corner, { names: ['Ignore*', 'Fold'] })), 12);
  assert.equal(await count(feature(T, tumor), feature(corner, { name: 'Ignore*: Fold' })), 12);
  assert.equal(await count(feature(T, { names: ['Tumor', 'Positive'] })), 16);
  assert.equal(await count(feature(T, tumor), { type: 'Feature', geometry: null, properties: {} }), 16);
  const measured = collection(feature(T, tumor, { measurements: { 'Area um^2': 0 } }));
  const { inLesion } = await lesionOf(context, measured.replace('"Area um^2":0', '"Area um^2":NaN'));
  assert.equal(inLesion, 16);
});

test('tissue, stroma and regions beside a tumor do not count, and it is logged what does', async (context) => {
  for (const other of ['Tissue', 'Region*', 'Stroma', undefined]) {
    const name = other === undefined ? undefined : { name: other };
    const { inLesion, facts, lines } = await lesionOf(
      context,
      collection(feature(all, name), feature(T, tumor)),
    );
    assert.equal(inLesion, 16);
    assert.deepEqual(facts, { counted: { Tumor: 1 }, 'left-out': { [other ?? 'without class']: 1 } });
    assert.deepEqual(lines, [{ level: 'info', message: 'regions of the lesion, by class', facts }]);
  }
});

test('classes choose what counts, and exclude-classes what is cut out', async (context) => {
  const text = collection(
    feature(T, tumor),
    feature(corner, { name: 'Necrosis' }),
    feature(all, { name: 'Gland' }),
  );
  const lesion = async (given: Partial<HeatmapWith>) => (await lesionOf(context, text, given)).inLesion;
  assert.equal(await lesion({ classes: ['gland'] }), 64);
  assert.equal(await lesion({ classes: ['gland'], excludeClasses: ['Tumor'] }), 48);
  assert.equal(await lesion({ excludeClasses: ['Necrosis'] }), 12);
});

test('an annotation in which nothing counts as lesion differs from none, and says so', async (context) => {
  const { inLesion, facts, lines } = await lesionOf(context, collection(feature(T, { name: 'Stroma' })));
  assert.equal(inLesion, 0);
  assert.deepEqual(facts, { 'left-out': { Stroma: 1 } });
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message]),
    [['warn', 'no region of the annotation is a lesion']],
  );
});

test('polygons in a GeometryCollection count; files without area are refused', async (context) => {
  const line = { type: 'LineString', coordinates: [[320, 320], [400, 400]] }; // prettier-ignore
  const geometries = [{ type: 'Polygon', coordinates: T }, line];
  const nested = { type: 'Feature', geometry: { type: 'GeometryCollection', geometries }, properties: {} };
  assert.equal((await lesionOf(context, collection(nested))).inLesion, 16);
  const more = collection(feature(rect(384, 384, 128, 128), tumor), {
    ...nested,
    properties: { classification: tumor },
  });
  assert.equal((await lesionOf(context, more)).inLesion, 20);
  const alone = collection({ type: 'Feature', geometry: line, properties: { classification: tumor } });
  await assert.rejects(lesionOf(context, alone), hasCode('InvalidInput', /no object.*encloses an area/));
});

test('ImageScope regions count by their text, and ASAP groups by the groups around them', async (context) => {
  const corners = [[64, 64], [320, 64], [320, 320], [64, 320]]; // prettier-ignore
  const vertices = corners.map(([x, y]) => `<Vertex X="${x}" Y="${y}" Z="0"/>`).join('');
  const scope = `<Annotations MicronsPerPixel="0.5"><Annotation Id="1" Name="" Type="4"><Regions><Region Id="1" Type="0" Text="tumor" NegativeROA="0"><Vertices>${vertices}</Vertices></Region></Regions></Annotation></Annotations>`;
  assert.equal((await lesionOf(context, scope)).inLesion, 16);
  const annotation = (group: string, x: number, side: number) =>
    `<Annotation Name="a" Type="Polygon" PartOfGroup="${group}"><Coordinates>${[[x, 64], [x + side, 64], [x + side, 64 + side], [x, 64 + side]].map((at, i) => `<Coordinate Order="${i}" X="${at[0]}" Y="${at[1]}"/>`).join('')}</Coordinates></Annotation>`; // prettier-ignore
  const asap = (parent: string) =>
    `<ASAP_Annotations><Annotations>${annotation('Tumor', 64, 256)}${annotation('folds', 192, 128)}</Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None"/><Group Name="Exclusion" PartOfGroup="None"/><Group Name="folds" PartOfGroup="${parent}"/></AnnotationGroups></ASAP_Annotations>`;
  assert.equal((await lesionOf(context, asap('Exclusion'))).inLesion, 12);
  assert.equal((await lesionOf(context, asap('_2'))).inLesion, 12);
  assert.equal((await lesionOf(context, asap('None'))).inLesion, 16);
});
