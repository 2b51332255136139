import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Region } from '../../../../domain/pathology/annotations/region.js';
import { RegionIndex } from '../../../../domain/pathology/annotations/region-index.js';
import { parseAsapXml } from '../../../../domain/pathology/annotations/read-asap-xml.js';
import { formatPatches } from '../../../../domain/pathology/annotations/geojson.js';
import { parseGeoJson } from '../../../../domain/pathology/annotations/read-geojson.js';
import { readAnnotation } from '../../../../domain/pathology/annotations/read-annotation.js';
import { selectRegions } from '../../../../domain/pathology/annotations/select-regions.js';
import { quPathOrigin } from '../../../../domain/pathology/annotations/qupath-origin.js';
import { formatTissue } from '../../../../domain/pathology/patch/tissue/tissue-geojson.js';
import { hasCode, temporaryFolder } from '../../mil/support.js';

const square = (group: string, x: number, y: number, side: number) => `
  <Annotation Name="Annotation 0" Type="Polygon" PartOfGroup="${group}" Color="#F4FA58">
    <Coordinates>
      <Coordinate Order="1" X="${x + side}" Y="${y}" />
      <Coordinate Order="0" X="${x}" Y="${y}" />
      <Coordinate Order="2" X="${x + side}.0" Y="${y + side}" />
      <Coordinate Order="3" X="${x}" Y="${y + side}" />
    </Coordinates>
  </Annotation>`;
const asap = (body: string) =>
  `<?xml version="1.0"?>\n<ASAP_Annotations>\n<Annotations>${body}</Annotations>\n<AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#00ff00"><Attributes /></Group></AnnotationGroups></ASAP_Annotations>`;

test('ASAP XML: reads outlines in order, recognizes exclusions by group, and skips dots', () => {
  const dot =
    '<Annotation Name="d" Type="Dot" PartOfGroup="None" Color="#F00"><Coordinates><Coordinate Order="0" X="1" Y="1" /></Coordinates></Annotation>';
  const { regions } = parseAsapXml(
    asap(square('Tumor', 100, 100, 100) + square('_2', 150, 150, 20) + dot),
    'a.xml',
  );
  assert.equal(regions.length, 2);
  assert.deepEqual(regions[0], {
    name: 'Annotation 0',
    group: 'Tumor',
    classes: ['Tumor'],
    excluded: false,
    rings: [
      [
        [100, 100],
        [200, 100],
        [200, 200],
        [100, 200],
      ],
    ],
  });
  const lesion = selectRegions(regions, {}, 'lesion').regions;
  assert.deepEqual(
    lesion.map(({ excluded }) => excluded),
    [true, false],
  );
  const index = new RegionIndex(lesion);
  assert.equal(index.contains(120, 120), true);
  assert.equal(index.contains(160, 160), false, 'cut out');
  assert.equal(index.contains(99, 120), false);
});

test('ASAP XML: names the line of an error', () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(() => parseAsapXml(text, 'a.xml'), hasCode('InvalidInput', message));
  refused(
    '<html><body/></html>',
    /a\.xml:1: the file is not an ASAP annotation file.*<ASAP_Annotations>.*<html>/,
  );
  refused('<ASAP_Annotations>\n<Annotations>\n</ASAP_Annotations>', /a\.xml:3: invalid XML/);
  refused('<ASAP_Annotations>\n<Annotations', /a\.xml:2: invalid XML/);
  refused('<ASAP_Annotations>\n', /a\.xml:2: invalid XML.*ASAP_Annotations/);
  refused(
    asap(square('Tumor', 0, 0, 9).replace('X="9"', 'X="nine"')),
    /a\.xml:6: coordinate X is not a number.*nine/,
  );
  refused(
    asap('\n<Annotation Type="Polygon"><Coordinates></Coordinates></Annotation>'),
    /a\.xml:4: the outline has too few points/,
  );
  refused(asap(square('Tumor', 0, 0, 9).replace('X="9"', 'X="0x9"')), /coordinate X is not a number.*0x9/);
  refused(
    asap(square('Tumor', 0, 0, 9).replace('X="9"', 'X="1e999"')),
    /a\.xml:6: a point is on no slide.*Infinity/,
  );
  refused(asap(square('Tumor', 0, 0, 0)), /too few points.*at least 3 different ones/);
});

const polygon = (rings: number[][][], properties: object = {}) => ({
  type: 'Feature',
  geometry: { type: 'Polygon', coordinates: rings },
  properties,
});
const ring = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
  [x, y],
];

test('GeoJSON: reads collections, holes, several polygons, and classes as QuPath writes them', () => {
  const text = JSON.stringify({
    type: 'FeatureCollection',
    features: [
      polygon([ring(0, 0, 100), ring(40, 40, 20)], {
        name: 'big',
        classification: { name: 'Tumor', color: [1, 2, 3] },
      }),
      {
        type: 'Feature',
        geometry: { type: 'MultiPolygon', coordinates: [[ring(200, 0, 10)], [ring(300, 0, 10)]] },
      },
      polygon([ring(0, 0, 10)], { classification: 'Ignore*' }),
      { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 1] } },
    ],
  });
  const { regions } = parseGeoJson(text, 'a.geojson');
  assert.deepEqual(
    regions.map(({ name, group }) => ({ name, group })),
    [
      { name: 'big', group: 'Tumor' },
      { name: '', group: undefined },
      { name: '', group: undefined },
      { name: '', group: 'Ignore*' },
    ],
  );
  const index = new RegionIndex(selectRegions(regions, {}, 'area').regions);
  const at = (x: number, y: number) => index.contains(x, y);
  assert.deepEqual(
    [at(20, 20), at(50, 50), at(205, 5), at(305, 5), at(250, 5), at(5, 5)],
    [true, false, true, true, false, false],
  );
  assert.equal(parseGeoJson(JSON.stringify(polygon([ring(0, 0, 1)])), 'f').regions.length, 1);
});

test('GeoJSON: names the feature of an error', () => {
  const refused = (value: unknown, message: RegExp) =>
    assert.throws(() => parseGeoJson(JSON.stringify(value), 'a.geojson'), hasCode('InvalidInput', message));
  refused({ type: 'Table' }, /a\.geojson: the file is not GeoJSON/);
  refused([{ type: 'Feature' }], /feature 0.*no geometry/);
  refused([polygon([[[0, 0]]])], /feature 0.*polygon is invalid/);
  refused(
    [
      polygon([
        ring(0, 0, 9),
        [
          [1, 1],
          [2, 2],
          [1, 1],
        ],
      ]),
    ],
    /feature 0.*three different/,
  );
  refused([polygon([ring(0, 0, 2 ** 40)])], /feature 0.*a point is on no slide.*1099511627776/);
  const endless = JSON.stringify([polygon([ring(0, 0, 9)])]).replace('[9,0]', '[1e999,0]');
  assert.throws(() => parseGeoJson(endless, 'a.geojson'), hasCode('InvalidInput', /on no slide.*Infinity/));
  assert.throws(() => parseGeoJson('{', 'a.geojson'), hasCode('InvalidInput', /invalid JSON/));
});

const NOWHERE = [0, 0] as const;

test('recognizes the format by content and refuses missing and other files by name', (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  assert.equal(
    readAnnotation(file('a.txt', `\uFEFF${asap(square('Tumor', 0, 0, 9))}`), NOWHERE).regions.length,
    1,
  );
  assert.equal(
    readAnnotation(file('b.txt', JSON.stringify(polygon([ring(0, 0, 1)]))), NOWHERE).regions.length,
    1,
  );
  assert.throws(
    () => readAnnotation(file('c.xml', 'x,y\n'), NOWHERE),
    hasCode('InvalidInput', /c\.xml: the file is not an annotation/),
  );
  assert.throws(
    () => readAnnotation(join(folder, 'no.xml'), NOWHERE),
    hasCode('InvalidInput', /no\.xml: cannot read/),
  );
});

test('the covered share of a patch is the part inside the outline', () => {
  const regions: Region[] = [
    { name: '', excluded: false, rings: [ring(0, 0, 100) as unknown as [number, number][]] },
  ];
  assert.equal(new RegionIndex(regions).coveredShare(10, 10, 50), 1);
  assert.equal(new RegionIndex(regions).coveredShare(50, 0, 100), 0.5);
  assert.equal(new RegionIndex(regions).coveredShare(75, 75, 100), 0.0625);
  assert.equal(new RegionIndex(regions).coveredShare(100, 0, 100), 0);
});

test('the shares of ten thousand patches in an outline of fifty thousand points add up to its area', () => {
  const points = Array.from({ length: 50_000 }, (_, i): [number, number] => {
    const angle = (i / 50_000) * 2 * Math.PI;
    const radius = 20_000 + 3000 * Math.sin(angle * 40);
    return [25_600 + radius * Math.cos(angle), 25_600 + radius * Math.sin(angle)];
  });
  const index = new RegionIndex([{ name: '', excluded: false, rings: [points] }]);
  let inside = 0;
  for (let i = 0; i < 10_000; i++)
    inside += index.coveredShare((i % 100) * 512, Math.floor(i / 100) * 512, 512);
  const area = Math.PI * (20_000 ** 2 + 3000 ** 2 / 2);
  assert.ok(Math.abs(inside * 512 * 512 - area) < area * 1e-3, `${inside * 512 * 512} is not ${area}`);
});

test('patches are written as GeoJSON that can be read back', () => {
  const text = formatPatches(Int32Array.of(0, 0, 256, 512), 256, { attention: [0.25, 1 / 3] }, [0, 0]);
  const features = (JSON.parse(text) as { features: { properties: { measurements: object } }[] }).features;
  assert.deepEqual(features[1].properties.measurements, { attention: 0.3333333 });
  const { regions } = parseGeoJson(text, 'p.geojson');
  assert.deepEqual(regions[1].rings[0].slice(0, 3), [
    [256, 512],
    [512, 512],
    [512, 768],
  ]);
});

test('QuPath files count from the scanned part of a MIRAX slide, ASAP files do not', (t) => {
  const bounds = { x: '30000', y: '100000', width: '31246', height: '39324' };
  const properties = Object.fromEntries(
    Object.entries(bounds).map(([key, value]) => [`openslide.bounds-${key}`, value]),
  );
  const origin = quPathOrigin({ properties });
  assert.deepEqual(origin, [30_000, 100_000]);
  assert.deepEqual(quPathOrigin({ properties: {} }), [0, 0]);
  assert.deepEqual(quPathOrigin({ properties: { ...properties, 'openslide.bounds-width': '0' } }), [0, 0]);

  const folder = temporaryFolder(t);
  const text = formatPatches(Int32Array.of(30_256, 100_512), 256, { attention: [1] }, origin);
  const corner = [30_256, 100_512] as const;
  assert.deepEqual(parseGeoJson(text, 'p').regions[0].rings[0][0], [256, 512]);
  writeFileSync(join(folder, 'p.geojson'), text);
  assert.deepEqual(readAnnotation(join(folder, 'p.geojson'), origin).regions[0].rings[0][0], corner);
  writeFileSync(join(folder, 'a.xml'), asap(square('Tumor', ...corner, 9)));
  assert.deepEqual(readAnnotation(join(folder, 'a.xml'), origin).regions[0].rings[0][0], corner);
  const outline = Int32Array.of(...corner, 30_300, 100_512, 30_300, 100_600);
  const { regions: tissue } = parseGeoJson(formatTissue([{ outline, holes: [] }], [0], origin), 't');
  assert.deepEqual(tissue[0].rings[0][0], [256, 512]);
});

const isCutOut = (regions: readonly Region[]) =>
  selectRegions(regions, {}, 'lesion').regions.some((region) => region.excluded);
const parts = (...features: object[]) => JSON.stringify({ type: 'FeatureCollection', features });
const classified = (classification: unknown) => polygon([ring(0, 0, 10)], { classification });

test('GeoJSON: a derived class counts by each of its names', () => {
  const excluded = (classification: unknown) =>
    isCutOut(parseGeoJson(parts(classified(classification)), 'f').regions);
  assert.equal(excluded({ names: ['Ignore*', 'Fold'] }), true);
  assert.equal(excluded({ name: 'Ignore*: Fold' }), true);
  assert.equal(excluded({ names: ['Tumor', 'Positive'] }), false);
  assert.equal(excluded({ names: ['Tumor', 'Exclusion'] }), true);
});

test('GeoJSON: reads collections, NaN measurements and features without geometry', () => {
  const collection = {
    type: 'GeometryCollection',
    geometries: [
      { type: 'GeometryCollection', geometries: [polygon([ring(0, 0, 10)]).geometry] },
      { type: 'MultiPolygon', coordinates: [[ring(20, 0, 10)], [ring(40, 0, 10)]] },
      {
        type: 'LineString',
        coordinates: [
          [0, 0],
          [1, 1],
        ],
      },
    ],
  };
  const feature = { type: 'Feature', geometry: collection };
  const read = parseGeoJson(parts(feature, { type: 'Feature', geometry: null }), 'f');
  assert.equal(read.regions.length, 3);
  assert.deepEqual(read.passedOver, { LineString: 1, 'no geometry': 1 });
  assert.equal(parseGeoJson(JSON.stringify(collection), 'f').regions.length, 3);
  const measured = parts(polygon([ring(0, 0, 9)], { name: 'a NaN "b"', area: 0 }));
  for (const value of ['NaN', 'Infinity', '-Infinity']) {
    const [region] = parseGeoJson(measured.replace('"area":0', `"area":${value}`), 'f').regions;
    assert.equal(region.name, 'a NaN "b"');
  }
  const deep = Array.from({ length: 40 }).reduce<object>(
    (inner) => ({ type: 'GeometryCollection', geometries: [inner] }),
    { type: 'Point', coordinates: [0, 0] },
  );
  assert.throws(
    () => parseGeoJson(JSON.stringify(deep), 'f'),
    hasCode('InvalidInput', /geometry is invalid/),
  );
  assert.throws(
    () => parseGeoJson(parts({ type: 'Feature', geometry: { type: 'Poligon', coordinates: [] } }), 'f'),
    hasCode('InvalidInput', /geometry is invalid.*"Poligon"/),
  );
});

test('an annotation whose objects enclose no area is refused, and an empty one is not', (t) => {
  const folder = temporaryFolder(t);
  const read = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return readAnnotation(join(folder, name), NOWHERE);
  };
  const line = {
    type: 'Feature',
    geometry: {
      type: 'LineString',
      coordinates: [
        [0, 0],
        [1, 1],
      ],
    },
  };
  assert.throws(
    () => read('l.geojson', parts(line)),
    hasCode('InvalidInput', /no object.*1 of type LineString/),
  );
  const dots = asap('<Annotation Name="d" Type="PointSet" PartOfGroup="Tumor" />');
  assert.throws(() => read('d.xml', dots), hasCode('InvalidInput', /no object.*1 of type PointSet/));
  assert.deepEqual(read('e.geojson', parts()), { regions: [], passedOver: {} });
  assert.deepEqual(read('e.xml', asap('')), { regions: [], passedOver: {} });
});

test('ASAP XML: refuses unknown types, and reads CDATA and any attribute names', () => {
  const typo = asap(square('Tumor', 0, 0, 9).replace('"Polygon"', '"Polygn"'));
  assert.throws(() => parseAsapXml(typo, 'a.xml'), hasCode('InvalidInput', /unknown type.*Polygn/));
  const odd = asap(
    `<![CDATA[ a < b ]]>${square('Tumor', 0, 0, 9).replace('Type=', 'größe="3" data-x="&#228;" Type=')}`,
  );
  assert.equal(parseAsapXml(odd, 'a.xml').regions.length, 1);
});

test('ASAP XML: a group in an exclusion is an exclusion, also when groups form a loop', () => {
  const nested = (...groups: [string, string][]) =>
    `<ASAP_Annotations><Annotations>${square('folds', 0, 0, 9)}</Annotations><AnnotationGroups>${groups
      .map(([name, parent]) => `<Group Name="${name}" PartOfGroup="${parent}"/>`)
      .join('')}</AnnotationGroups></ASAP_Annotations>`;
  const excluded = (...groups: [string, string][]) =>
    isCutOut(parseAsapXml(nested(...groups), 'a.xml').regions);
  assert.equal(excluded(['Exclusion', 'None'], ['folds', 'Exclusion']), true);
  assert.equal(excluded(['folds', 'artifacts'], ['artifacts', '_2']), true);
  assert.equal(excluded(['folds', 'Tumor'], ['Tumor', 'None']), false);
  assert.equal(excluded(['folds', 'other'], ['other', 'folds']), false, 'a loop');
});

test('classes that are no lesion do not count beside one that is', () => {
  const select = (names: (string | undefined)[], classes?: string[]) => {
    const features = names.map((name) => classified(name === undefined ? null : { name }));
    return selectRegions(parseGeoJson(parts(...features), 'f').regions, { classes }, 'lesion');
  };
  assert.deepEqual(select(['Tissue', 'Tumor']).counted, { Tumor: 1 });
  assert.deepEqual(select(['Tissue', 'Tumor']).leftOut, { Tissue: 1 });
  assert.deepEqual(select(['Region*', 'Tumor', 'Stroma', 'Tumor']).counted, { Tumor: 2 });
  assert.deepEqual(select([undefined, 'Metastasis']).leftOut, { 'without class': 1 });
  assert.deepEqual(select([undefined]).counted, { 'without class': 1 });
  assert.deepEqual(select(['Gleason 4', 'Gleason 3']).counted, { 'Gleason 4': 1, 'Gleason 3': 1 });
  const ignored = select(['Tumor', 'Ignore*']);
  assert.equal(ignored.regions.length, 2, 'an exclusion is cut out');
  assert.deepEqual(ignored.counted, { Tumor: 1 });
  assert.deepEqual(select(['Stroma', 'gleason 4'], ['Gleason 4']).counted, { 'gleason 4': 1 });
  assert.deepEqual(select(['Stroma'], ['Tumor']).counted, {});
});
