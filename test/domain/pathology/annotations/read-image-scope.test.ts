import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAnnotation } from '../../../../domain/pathology/annotations/read-annotation.js';
import { parseImageScope } from '../../../../domain/pathology/annotations/read-image-scope.js';
import { RegionIndex } from '../../../../domain/pathology/annotations/region-index.js';
import { hasCode, temporaryFolder } from '../../mil/support.js';

const NOWHERE = [0, 0] as const;
const ring = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
  [x, y],
];
const ASAP =
  '<ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" PartOfGroup="Region"><Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="9" Y="0"/><Coordinate Order="2" X="9" Y="9"/></Coordinates></Annotation></Annotations></ASAP_Annotations>';
const scope = (layer: string, ...regions: string[]) =>
  `<?xml version="1.0"?><Annotations MicronsPerPixel="0.5"><Annotation Id="1" Name="" Type="4" ${layer}><Attributes><Attribute Name="Description" Value="Layer 1"/></Attributes><Regions><RegionAttributeHeaders/>${regions.join('')}</Regions></Annotation></Annotations>`;
const scopeRegion = (attributes: string, ...points: number[][]) =>
  `<Region ${attributes}><Attributes><Attribute Name="Description" Value="not a class"/></Attributes><Vertices>${points
    .map(([x, y]) => `<Vertex X="${x}" Y="${y}" Z="0"/>`)
    .join('')}</Vertices></Region>`;

test('ImageScope XML: reads freehand outlines, boxes and ellipses, negative regions and class names', () => {
  const text = scope(
    '',
    scopeRegion('Type="0" Text="tumor" NegativeROA="0"', ...ring(64, 64, 256)),
    scopeRegion('Type="0" NegativeROA="1"', ...ring(64, 64, 128)),
    scopeRegion('Type="1"', [400, 400], [500, 440]),
    scopeRegion('Type="2"', [0, 1000], [200, 1100]),
    scopeRegion('Type="3"', [0, 0], [5, 5]),
  );
  const { regions, passedOver } = parseImageScope(text, 'a.xml');
  assert.deepEqual(
    regions.map(({ group, classes, excluded }) => [group, classes, excluded]),
    [
      ['tumor', ['tumor', 'Layer 1'], false],
      ['Layer 1', ['Layer 1'], true],
      ['Layer 1', ['Layer 1'], false],
      ['Layer 1', ['Layer 1'], false],
    ],
  );
  assert.deepEqual(passedOver, { 'ImageScope region of type 3': 1 });
  const index = new RegionIndex(regions);
  const at = (x: number, y: number) => index.contains(x, y);
  assert.deepEqual(
    [at(300, 300), at(100, 100), at(450, 430), at(450, 450), at(100, 1050), at(5, 1005)],
    [true, false, true, false, true, false],
  );
});

test('ImageScope XML: is told from ASAP by its content, and refuses bad points by line', (t) => {
  const folder = temporaryFolder(t);
  const read = (text: string) => {
    writeFileSync(join(folder, 'a.xml'), text);
    return readAnnotation(join(folder, 'a.xml'), NOWHERE).regions;
  };
  assert.equal(read(scope('', scopeRegion('Type="0"', ...ring(0, 0, 9))))[0].group, 'Layer 1');
  assert.equal(read(ASAP)[0].group, 'Region');
  const noType = scope('', scopeRegion('', ...ring(0, 0, 9))).replace(' Type="4"', '');
  assert.equal(read(noType).length, 1);
  assert.throws(() => read(scope('', scopeRegion('Type="0"', [0, 0]))), hasCode('InvalidInput', /too few/));
  const bad = scope('', scopeRegion('Type="0"', ...ring(0, 0, 9)).replace('X="9"', 'X="nine"'));
  assert.throws(() => read(bad), hasCode('InvalidInput', /a\.xml:1: coordinate X is not a number.*nine/));
  const arrow = scope('', scopeRegion('Type="3"', [0, 0], [5, 5]));
  assert.throws(
    () => read(arrow),
    hasCode('InvalidInput', /no object.*1 of type ImageScope region of type 3/),
  );
});
