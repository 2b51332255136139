import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { coveredShare, regionProbe, type Region } from '../../../../domain/pathology/annotations/region.js';
import { parseAsapXml } from '../../../../domain/pathology/annotations/read-asap-xml.js';
import { formatPatches } from '../../../../domain/pathology/annotations/geojson.js';
import { parseGeoJson } from '../../../../domain/pathology/annotations/read-geojson.js';
import { readAnnotation } from '../../../../domain/pathology/annotations/read-annotation.js';
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
  const regions = parseAsapXml(
    asap(square('Tumor', 100, 100, 100) + square('_2', 150, 150, 20) + dot),
    'a.xml',
  );
  assert.equal(regions.length, 2);
  assert.deepEqual(regions[0], {
    name: 'Annotation 0',
    group: 'Tumor',
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
  assert.equal(regions[1].excluded, true);
  assert.equal(regionProbe(regions)(120, 120), true);
  assert.equal(regionProbe(regions)(160, 160), false, 'cut out');
  assert.equal(regionProbe(regions)(99, 120), false);
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
  refused('<ASAP_Annotations>\n', /a\.xml:2: invalid XML.*<\/ASAP_Annotations>/);
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
  const regions = parseGeoJson(text, 'a.geojson');
  assert.deepEqual(
    regions.map(({ name, group, excluded }) => ({ name, group, excluded })),
    [
      { name: 'big', group: 'Tumor', excluded: false },
      { name: '', group: undefined, excluded: false },
      { name: '', group: undefined, excluded: false },
      { name: '', group: 'Ignore*', excluded: true },
    ],
  );
  const at = (x: number, y: number) => regionProbe(regions)(x, y);
  assert.deepEqual(
    [at(20, 20), at(50, 50), at(205, 5), at(305, 5), at(250, 5), at(5, 5)],
    [true, false, true, true, false, false],
  );
  assert.equal(parseGeoJson(JSON.stringify(polygon([ring(0, 0, 1)])), 'f').length, 1);
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
  assert.equal(readAnnotation(file('a.txt', `\uFEFF${asap(square('Tumor', 0, 0, 9))}`), NOWHERE).length, 1);
  assert.equal(readAnnotation(file('b.txt', JSON.stringify(polygon([ring(0, 0, 1)]))), NOWHERE).length, 1);
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
  assert.equal(coveredShare(regionProbe(regions), 10, 10, 50), 1);
  assert.equal(coveredShare(regionProbe(regions), 50, 0, 100), 0.5);
  assert.equal(coveredShare(regionProbe(regions), 75, 75, 100), 0.0625);
  assert.equal(coveredShare(regionProbe(regions), 100, 0, 100), 0);
});

test('tests ten thousand patches against an outline of fifty thousand points within a second', () => {
  const points = Array.from({ length: 50_000 }, (_, i): [number, number] => {
    const angle = (i / 50_000) * 2 * Math.PI;
    const radius = 20_000 + 3000 * Math.sin(angle * 40);
    return [25_600 + radius * Math.cos(angle), 25_600 + radius * Math.sin(angle)];
  });
  const probe = regionProbe([{ name: '', excluded: false, rings: [points] }]);
  const started = performance.now();
  let inside = 0;
  for (let i = 0; i < 10_000; i++)
    inside += coveredShare(probe, (i % 100) * 512, Math.floor(i / 100) * 512, 512);
  const area = Math.PI * (20_000 ** 2 + 3000 ** 2 / 2);
  assert.ok(Math.abs(inside * 512 * 512 - area) < area * 1e-3, `${inside * 512 * 512} is not ${area}`);
  assert.ok(performance.now() - started < 10_000);
});

test('patches are written as GeoJSON that can be read back', () => {
  const text = formatPatches(Int32Array.of(0, 0, 256, 512), 256, { attention: [0.25, 1 / 3] }, [0, 0]);
  const features = (JSON.parse(text) as { features: { properties: { measurements: object } }[] }).features;
  assert.deepEqual(features[1].properties.measurements, { attention: 0.3333333 });
  const regions = parseGeoJson(text, 'p.geojson');
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
  assert.deepEqual(parseGeoJson(text, 'p')[0].rings[0][0], [256, 512]);
  writeFileSync(join(folder, 'p.geojson'), text);
  assert.deepEqual(readAnnotation(join(folder, 'p.geojson'), origin)[0].rings[0][0], corner);
  writeFileSync(join(folder, 'a.xml'), asap(square('Tumor', ...corner, 9)));
  assert.deepEqual(readAnnotation(join(folder, 'a.xml'), origin)[0].rings[0][0], corner);
  const outline = Int32Array.of(...corner, 30_300, 100_512, 30_300, 100_600);
  const tissue = parseGeoJson(formatTissue([{ outline, holes: [] }], [0], origin), 't');
  assert.deepEqual(tissue[0].rings[0][0], [256, 512]);
});
