import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { SamMilError } from '../../../../domain/errors.js';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { companionFiles, slideFolderMember } from '../../../../domain/pathology/slides/slide-files.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

before(() => findOpenSlideLibrary());

function refused(path: string, code: string, ...parts: RegExp[]): void {
  assert.throws(
    () => openSlide(path),
    (error: unknown) => {
      assert.ok(error instanceof SamMilError, String(error));
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.startsWith(`${path}: `), error.message);
      assert.match(error.message, /Next: \w/);
      for (const part of parts) assert.match(error.message, part);
      return true;
    },
  );
}

function file(context: TestContext, name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(context), name);
  writeFileSync(path, content);
  return path;
}

test('refuses a missing file, a folder, an empty file and a text file by name', (context) => {
  refused(join(temporaryFolder(context), 'gone.svs'), 'InvalidInput', /does not exist/);
  refused(temporaryFolder(context), 'InvalidInput', /is a folder/, /DICOM/);
  refused(file(context, 'empty.svs', ''), 'InvalidInput', /empty/, /0 bytes/);
  const loop = join(temporaryFolder(context), 'loop.svs');
  symlinkSync(loop, loop);
  refused(loop, 'InvalidInput', /does not exist/);
  const text = file(context, 'text.svs', '<html>404: not found</html>\n');
  refused(text, 'UnsupportedFormat', /text that starts with "<html>404/);
  refused(
    file(context, 'noise.svs', Buffer.from('00ff17eb00ff17eb', 'hex')),
    'UnsupportedFormat',
    /00ff17eb/,
  );
});

test('refuses a slide without read permission by name', (context) => {
  const path = file(context, 'locked.svs', readFileSync(BUNDLED_SLIDE));
  chmodSync(path, 0o000);
  if (process.getuid?.() !== 0) return refused(path, 'InvalidInput', /no permission/, /chmod/);
  // The superuser can read everything, so check as another user.
  chmodSync(join(path, '..'), 0o755);
  const script = `import(${JSON.stringify(import.meta.resolve('../../../../domain/pathology/slides/check-file.js'))})
    .then(({ checkSlideFile }) => checkSlideFile(${JSON.stringify(path)})).catch((error) => console.log(error.message))`;
  const child = spawnSync(process.execPath, ['-e', script], { uid: 65534, encoding: 'utf8', cwd: '/' });
  if (/MODULE_NOT_FOUND|EACCES.*check-file/.test(child.stdout + child.stderr) || child.error) {
    return context.skip(`run as superuser, and another user cannot read the project: ${child.stderr}`);
  }
  assert.match(
    child.stdout,
    /locked\.svs: the worker has no permission to read the slide file; Next: .*chmod/,
  );
});

test('refuses an svs that is truncated at any position', (context) => {
  const path = file(context, 'cut.svs', readFileSync(BUNDLED_SLIDE));
  truncateSync(path, 1_000_000);
  refused(path, 'CorruptSlide', /truncated/, /found 1000000 bytes/);
  truncateSync(path, 8);
  refused(path, 'UnsupportedFormat', /8 bytes/);
});

test('does not treat a pyramid without its last bytes as a plain image', async (context) => {
  const path = join(temporaryFolder(context), 'pyramid.tif');
  const data = Uint8Array.from({ length: 600 * 500 * 3 }, (_, index) => (index * 7919) % 251);
  for (const bigtiff of [false, true]) {
    await sharp(data, { raw: { width: 600, height: 500, channels: 3 } })
      .tiff({ tile: true, pyramid: true, compression: 'jpeg', bigtiff })
      .toFile(path);
    const whole = readFileSync(path);
    openSlide(path).close();
    for (const lost of [1, 200, 5000, Math.round(whole.length * 0.6)]) {
      writeFileSync(path, whole.subarray(0, whole.length - lost));
      refused(path, 'CorruptSlide', /truncated/, new RegExp(`found ${whole.length - lost} bytes`));
    }
  }
});

test('an undecodable tile makes only its handle unusable', (context) => {
  const bytes = readFileSync(BUNDLED_SLIDE);
  // The JPEG markers of the third tile; the tiles before it stay readable.
  let start = -1;
  for (let tile = 0; tile < 3; tile++) start = bytes.indexOf('ffd8ff', start + 1, 'hex');
  bytes.fill(0, start, start + 600);
  const slide = openSlide(file(context, 'damaged.svs', bytes));
  const whole = openSlide(BUNDLED_SLIDE);
  assert.deepEqual(slide.readRegion(0, 0, 0, 240, 240), whole.readRegion(0, 0, 0, 240, 240));
  assert.throws(() => slide.readLevel(0), {
    name: 'CorruptSlide',
    message: /damaged\.svs: .*damaged: reading 2220 x 2967/,
  });
  assert.throws(() => slide.readRegion(0, 0, 0, 240, 240), {
    name: 'CorruptSlide',
    message: /no longer be read/,
  });
  slide.close();
  assert.equal(whole.readRegion(0, 0, 0, 240, 240).length, 240 * 240 * 3);
  whole.close();
});

test('refuses invalid requests before it calls the library', () => {
  const slide = openSlide(BUNDLED_SLIDE);
  assert.throws(() => slide.readRegion(0, 0, 1, 10, 10), {
    name: 'InvalidInput',
    message: /no level 1; expected 0 to 0/,
  });
  assert.throws(() => slide.readRegion(0, 0, 0, 10, 10, new Uint8Array(10)), {
    name: 'InvalidInput',
    message: /10 bytes/,
  });
  assert.throws(() => slide.readRegion(0, 0, 0, 0, 10), { name: 'InvalidInput' });
  slide.close();
});

test('opens plain images without OpenSlide reader as one level', async (context) => {
  const folder = temporaryFolder(context);
  const rgb = Uint8Array.from({ length: 7 * 5 * 3 }, (_, index) => (index * 37) % 256);
  const image = sharp(rgb, { raw: { width: 7, height: 5, channels: 3 } });
  await image.clone().png().toFile(join(folder, 'a.png'));
  await image.clone().tiff({ compression: 'none', xres: 2000, yres: 2000 }).toFile(join(folder, 'b.tif'));
  for (const name of ['a.png', 'b.tif']) {
    const slide = openSlide(join(folder, name));
    assert.deepEqual(slide.info.levels, [{ width: 7, height: 5, downsample: [1, 1] }], name);
    assert.deepEqual(slide.readLevel(0), rgb, name);
    const corner = slide.readRegion(5, -1, 0, 4, 3);
    const expected = new Uint8Array(4 * 3 * 3);
    for (const row of [0, 1])
      expected.set(rgb.subarray((row * 7 + 5) * 3, (row * 7 + 7) * 3), (row + 1) * 12);
    assert.deepEqual(corner, expected, name);
    slide.close();
    assert.throws(() => slide.readLevel(0), { name: 'CorruptSlide' });
  }
  const png = readFileSync(join(folder, 'a.png'));
  writeFileSync(join(folder, 'cut.png'), png.subarray(0, png.length - 40));
  refused(join(folder, 'cut.png'), 'CorruptSlide', /cannot be decoded/);
});

test('decodes a large plain image in strips, with the same pixels', async (context) => {
  const folder = temporaryFolder(context);
  const [width, height] = [70, 600];
  const rgb = Uint8Array.from(
    { length: width * height * 3 },
    (_, index) => (index * 37 + (index >> 9)) % 256,
  );
  const image = sharp(rgb, { raw: { width, height, channels: 3 } });
  await image.clone().png().toFile(join(folder, 'a.png'));
  await image.clone().grayscale().tiff({ compression: 'deflate' }).toFile(join(folder, 'b.tif'));
  const decoder = fileURLToPath(
    new URL('../../../../domain/pathology/slides/decode-image.js', import.meta.url),
  );
  for (const name of ['a.png', 'b.tif']) {
    const raws = [[], ['1000']].map((atOnce) => {
      const raw = join(folder, `${name}.raw`);
      const args = [decoder, `${process.pid}`, join(folder, name), raw, '0', ...atOnce];
      const printed = execFileSync(process.execPath, args);
      const { width: w, height: h } = JSON.parse(printed.toString()) as { width: number; height: number };
      assert.deepEqual([w, h], [width, height]);
      return readFileSync(raw);
    });
    assert.ok(raws[1].equals(raws[0]), name);
    assert.equal(raws[0].length, rgb.length);
  }
  assert.deepEqual(
    readdirSync(folder).sort(),
    ['a.png', 'a.png.raw', 'b.tif', 'b.tif.raw'],
    'nothing else stays',
  );
});

test('lists all files of a slide with several files', (context) => {
  const folder = temporaryFolder(context);
  const at = (name: string) => join(folder, name);
  const dicom = (series: string) =>
    Buffer.concat([
      Buffer.alloc(128),
      Buffer.from('DICM'),
      Buffer.from([0x20, 0, 0x0e, 0, 0x55, 0x49, series.length, 0]),
      Buffer.from(series),
    ]);
  writeFileSync(at('1.dcm'), dicom('1.2.30'));
  writeFileSync(at('2.dcm'), dicom('1.2.30'));
  writeFileSync(at('3.dcm'), dicom('1.2.31'));
  writeFileSync(at('IM0001'), dicom('1.2.30'));
  assert.deepEqual(companionFiles(at('2.dcm')), [at('1.dcm'), at('IM0001')]);
  assert.deepEqual(companionFiles(at('IM0001')), [at('1.dcm'), at('2.dcm')], 'whatever names end in');
  assert.throws(() => slideFolderMember(folder), {
    name: 'InvalidInput',
    message: /several DICOM series.*found 2 series/,
  });
  mkdirSync(at('series'));
  for (const name of ['b.dcm', 'a.dcm']) writeFileSync(at(`series/${name}`), dicom('1.2.30'));
  writeFileSync(at('series/DICOMDIR'), dicom('1.2.30'));
  writeFileSync(at('series/notes.txt'), 'x');
  assert.equal(slideFolderMember(at('series')), at('series/a.dcm'));
  assert.deepEqual(companionFiles(at('series/a.dcm')), [at('series/b.dcm')]);
  assert.equal(slideFolderMember(at('1.dcm')), undefined);
  mkdirSync(at('m'));
  for (const name of ['m.mrxs', 'm/Data0000.dat', 'm/Slidedat.ini', 'm/.DS_Store'])
    writeFileSync(at(name), 'x');
  assert.deepEqual(companionFiles(at('m.mrxs')), [at('m/Data0000.dat'), at('m/Slidedat.ini')]);
  writeFileSync(
    at('v.vms'),
    '[Virtual Microscope Specimen]\nImageFile=v-0.jpg\nMapFile=v-map.jpg\nNoLayers=1\n',
  );
  for (const name of ['v-0.jpg', 'v-map.jpg', 'other.jpg']) writeFileSync(at(name), 'x');
  assert.deepEqual(companionFiles(at('v.vms')), [at('v-0.jpg'), at('v-map.jpg')]);
  assert.deepEqual(companionFiles(BUNDLED_SLIDE), []);
});
