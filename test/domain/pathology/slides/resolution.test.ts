import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { crc32 } from '../../../../domain/files/crc32.js';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { tridentFacts } from '../../../../domain/pathology/layouts/trident.js';
import { choosePatchScale } from '../../../../domain/pathology/patch/patch-scale.js';
import { readMagnification } from '../../../../domain/pathology/slides/magnification.js';
import { omeProperties, readOme } from '../../../../domain/pathology/slides/ome.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { readMpp, readObjectivePower } from '../../../../domain/pathology/slides/properties.js';
import { expectError } from '../../../support/expect-error.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { writeTiff, type TiffEntry } from '../../../support/tiff-writer.js';

before(() => findOpenSlideLibrary());

const WISH = { patchSize: 16, patchLevel: 0, customDownsample: 1, magnification: 20 };
const GRAY = { create: { width: 64, height: 64, channels: 3, background: '#808080' } } as const;

function mppOf(path: string): readonly number[] | undefined {
  const slide = openSlide(path);
  slide.close();
  return slide.info.mpp?.map((value) => Number(value.toPrecision(6)));
}

function tiled(context: TestContext, entries: readonly TiffEntry[]): string {
  const path = join(temporaryFolder(context), 'tiled.tif');
  const image = { width: 64, height: 64, tile: 64, compression: 8, tileAt: () => 0 };
  writeTiff(path, [{ ...image, entries }], [deflateSync(new Uint8Array(64 * 64 * 3))]);
  return path;
}

test('a TIFF states its resolution only with a unit; without the tag, that is the inch', (context) => {
  const of = (x: number, y: number, ...unit: TiffEntry[]) =>
    mppOf(tiled(context, [[282, 5, [x]], [283, 5, [y]], ...unit]));
  assert.deepEqual(of(20_000, 20_000, [296, 3, [3]]), [0.5, 0.5]);
  assert.deepEqual(of(50_800, 50_800, [296, 3, [2]]), [0.5, 0.5]);
  assert.deepEqual(of(50_800, 50_800), [0.5, 0.5]);
  assert.equal(of(300, 300, [296, 3, [1]]), undefined);
  assert.equal(of(20_000, 20_000, [296, 3, [1]]), undefined);
});

test("ImageJ's unit, for which TIFF has no number, is read from the description", (context) => {
  const of = (unit: string, perUnit: number) =>
    mppOf(
      tiled(context, [
        [270, 2, `ImageJ=1.53t\nunit=${unit}\nloop=false\n`],
        ...[282, 283].map((tag): TiffEntry => [tag, 5, [perUnit]]),
        [296, 3, [1]],
      ]),
    );
  for (const unit of ['micron', 'um', 'µm', '\\u00B5m']) assert.deepEqual(of(unit, 2), [0.5, 0.5], unit);
  assert.deepEqual(of('mm', 2000), [0.5, 0.5]);
  for (const unit of ['pixel', '']) assert.equal(of(unit, 2), undefined, unit);
});

test('the unit counts in strips, PNG and JPEG too', async (context) => {
  const folder = temporaryFolder(context);
  const strips = join(folder, 'a.tif');
  await sharp(GRAY)
    .tiff({ compression: 'none', xres: 2000, yres: 2000, resolutionUnit: 'cm' })
    .toFile(strips);
  assert.deepEqual(mppOf(strips), [0.5, 0.5]);
  // sharp always writes a unit: its tag (296, a SHORT) is found and set to "none".
  const bytes = readFileSync(strips);
  const tag = bytes.indexOf(Buffer.from([0x28, 0x01, 3, 0, 1, 0, 0, 0]));
  bytes[tag + 8] = 1;
  writeFileSync(strips, bytes);
  assert.equal(mppOf(strips), undefined);

  const plain = await sharp(GRAY).png().toBuffer();
  const png = (x: number, y: number, unit: number) => {
    const body = Buffer.alloc(13);
    body.write('pHYs', 'latin1');
    body.writeUInt32BE(x, 4);
    body.writeUInt32BE(y, 8);
    body[12] = unit;
    const ends = [Buffer.alloc(4), Buffer.alloc(4)];
    ends[0].writeUInt32BE(9);
    ends[1].writeUInt32BE(crc32(body));
    const chunk = Buffer.concat([ends[0], body, ends[1]]);
    const path = join(folder, 'a.png');
    // After the signature and the header; sharp writes no resolution by default, or a later one.
    writeFileSync(path, Buffer.concat([plain.subarray(0, 33), chunk, plain.subarray(33)]));
    return mppOf(path);
  };
  assert.deepEqual(png(2_000_000, 2_000_000, 1), [0.5, 0.5]);
  assert.deepEqual(png(4_000_000, 2_000_000, 1), [0.25, 0.5]);
  assert.equal(png(300, 300, 0), undefined);

  const jpeg = async (unit: number, x: number, y: number) => {
    const content = await sharp(GRAY).jpeg().toBuffer();
    const head = Buffer.from([0xff, 0xe0, 0, 16, ...Buffer.from('JFIF\0'), 1, 2, unit, 0, 0, 0, 0, 0, 0]);
    head.writeUInt16BE(x, 12);
    head.writeUInt16BE(y, 14);
    const path = join(folder, 'a.jpg');
    writeFileSync(path, Buffer.concat([content.subarray(0, 2), head, content.subarray(2)]));
    return mppOf(path);
  };
  assert.deepEqual(await jpeg(2, 20_000, 20_000), [0.5, 0.5]);
  assert.deepEqual(await jpeg(1, 50_800, 25_400), [0.5, 1]);
  assert.equal(await jpeg(0, 300, 300), undefined);
});

test('pixels that are not square are refused for a resolution, and read without one', (context) => {
  const cut = (x: number, y: number, wish: object = {}) => {
    const slide = openSlide(
      tiled(context, [
        [282, 5, [x]],
        [283, 5, [y]],
        [296, 3, [3]],
      ]),
    );
    try {
      return choosePatchScale(slide, { ...WISH, ...wish }).patchSize;
    } finally {
      slide.close();
    }
  };
  expectError('UnsupportedFormat', ['not square', '0.25 µm in x, 0.5 µm in y'], () => cut(40_000, 20_000));
  assert.equal(cut(40_000, 20_000, { magnification: undefined }), 16);
  assert.equal(cut(40_000, 20_000, { slideMpp: 0.25 }), 32);
  assert.equal(cut(40_000, 39_900), 32, 'a few per mille are usual');
});

test('OME-XML: the objective of the settings counts, or the only one, and commas are points', () => {
  const lenses =
    '<Instrument ID="I:0"><Objective ID="O:0" NominalMagnification="1.25"/><Objective ID="O:1" NominalMagnification="40"/></Instrument>';
  const of = (settings: string, pixels = '', instruments = lenses) => {
    const text = `<ome:OME xmlns:ome="x">${instruments}<Image ID="i">${settings}<Pixels ${pixels}/></Image></ome:OME>`;
    return omeProperties(readOme(text) ?? assert.fail());
  };
  assert.equal(readObjectivePower(of('<ObjectiveSettings ID="O:1"/>')), 40);
  assert.equal(readObjectivePower(of('<ObjectiveSettings ID="O:0"/>')), 1.25);
  assert.equal(readObjectivePower(of('')), undefined, 'which of the two is not stated');
  assert.equal(readObjectivePower(of('<ObjectiveSettings ID="O:7"/>')), undefined);
  const one = '<Instrument ID="I:0"><Objective ID="O:0" NominalMagnification="20x"/></Instrument>';
  assert.equal(readObjectivePower(of('', '', one)), 20);
  const two = `${one}<Instrument ID="I:1"><Objective ID="O:9" NominalMagnification="60"/></Instrument>`;
  assert.equal(readObjectivePower(of('<InstrumentRef ID="I:1"/>', '', two)), 60);
  assert.deepEqual(readMpp(of('', 'PhysicalSizeX="1,5" PhysicalSizeY="1,5"')), [1.5, 1.5]);
  assert.equal(readMpp(of('', 'PhysicalSizeX="1.5.2" PhysicalSizeY="1.5"')), undefined);
  assert.deepEqual(readMpp(of('', 'größe="3" PhysicalSizeX="0.5" PhysicalSizeY="0.5"')), [0.5, 0.5]);
});

test("TRIDENT's attributes follow the µm per pixel where the objective does not fit them", () => {
  const info = (objectivePower: number | undefined, mpp: number) =>
    ({ vendor: '', levels: [], properties: {}, objectivePower, mpp: [mpp, mpp] }) as const;
  assert.equal(readMagnification(info(20, 0.234), 'a'), 40);
  assert.equal(readMagnification(info(40, 0.5), 'a'), 20);
  assert.equal(readMagnification(info(40, 0.2527), 'a'), 40);
  assert.equal(readMagnification(info(undefined, 0.5), 'a'), 20);
  const sides = { patchSize: 128, stepSize: 128 };
  const facts = (read: number, level0: number) => {
    const { level0Magnification, targetMagnification } = tridentFacts(sides, read, level0, 20);
    return [level0Magnification, targetMagnification];
  };
  assert.deepEqual(facts(274, 40), [42.8125, 20]);
  assert.deepEqual(facts(256, 40), [40, 20]);
  assert.deepEqual(facts(128, 20), [20, 20]);
});
