import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BUNDLED_SLIDE } from '../../support/bundled.js';
import { CommandLine } from '../../support/command-line.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const commands = new CommandLine(folder);
after(() => commands.stop());

const feature = (name: string) => ({
  type: 'Feature',
  geometry: { type: 'Polygon', coordinates: [[[0, 0], [900, 0], [900, 900], [0, 0]]] }, // prettier-ignore
  properties: { classification: { names: name.split(': ') } },
});
const geojson = (...names: string[]) => JSON.stringify(names.map(feature));

/** Writes a pipeline that patches three slides with these parameters. */
function pipeline(...lines: string[]): void {
  const given = ["slide: '${{ slide.path }}'", ...lines].map((line) => `          ${line}\n`).join('');
  writeFileSync(
    join(folder, 'outlined.yaml'),
    `pipeline: 1\nname: outlined\nstages:\n  patch:\n    foreach: { csv: slides.csv, as: slide, key: slide_id }\n    steps:\n      - id: patch\n        uses: pathology.patch\n        with:\n${given}`,
  );
}

function outlines(files: Readonly<Record<string, string>>): void {
  rmSync(join(folder, 'outlines'), { recursive: true, force: true });
  mkdirSync(join(folder, 'outlines'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'outlines', name), text);
}

before(() => {
  const rows = ['a', 'b', 'c'].map((key) => `${key},${BUNDLED_SLIDE}`);
  writeFileSync(join(folder, 'slides.csv'), ['slide_id,path', ...rows].join('\n'));
});

test('plan says how many slides have outlines and what counts, and names files of no slide', async () => {
  outlines({ 'a.geojson': geojson('Tissue', 'Ignore*'), 'b.GeoJSON': geojson('Tissue'), 'z.xml': '' });
  pipeline('tissue: outlines');
  const { code, stdout, stderr } = await commands.run('plan', 'outlined.yaml');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /tissue: outlines of 2 of 3 slides; counted: Tissue 2/);
  assert.match(stdout + stderr, /1 files? of outlines .*of no slide: z\.xml/);
});

test('plan and run refuse a missing or unreadable file, a folder of other slides, and classes of no file', async () => {
  const refused = async (expected: RegExp) => {
    for (const command of ['plan', 'run']) {
      const { code, stdout, stderr } = await commands.run(command, 'outlined.yaml');
      assert.equal(code, 2, `${command}: ${stdout}${stderr}`);
      assert.match(`${stdout}${stderr}`.replace(/\s+/g, ' '), expected);
    }
  };
  outlines({ 'a.geojson': geojson('Tissue'), 'b.geojson': '{"type":' });
  pipeline("roi: 'outlines/${{ slide.slide_id }}.geojson'");
  await refused(
    /c\.geojson: stage `patch` \(c\): `roi`: the file or folder does not exist.*b\.geojson.*invalid JSON/,
  );
  pipeline('roi: outlines');
  await refused(/b\.geojson: .*invalid JSON|invalid JSON.*b\.geojson/);
  outlines({ 'other.geojson': geojson('Tissue') });
  await refused(/no file of the folder is named after a slide.*other\.geojson/);
  outlines({ 'a.geojson': geojson('Tissue'), 'a.xml': '<a/>' });
  await refused(/several files for the slide "a".*a\.geojson, a\.xml/);
  outlines({ 'a.geojson': geojson('Tissue'), 'b.geojson': geojson('Tumor: Positive') });
  pipeline('roi: outlines', 'classes: [Tumor, Tumour]');
  await refused(/`classes` names classes that no file has.*Tissue 1, Tumor: Positive 1.*Tumour/);
  pipeline('exclude: outlines', 'exclude-classes: [Pen]');
  await refused(/`exclude-classes` names classes that no file has.*Pen/);
  pipeline('classes: [Tumor]');
  await refused(/`classes`.*has no effect without `tissue` or `roi`/);
});

test('a class may be in the file of any parameter that it applies to', async () => {
  outlines({ 'a.geojson': geojson('Tissue', 'Pen'), 'b.geojson': geojson('Region*') });
  pipeline('tissue: outlines/a.geojson', 'roi: outlines/b.geojson', 'classes: [tissue, region]');
  const { code, stdout, stderr } = await commands.run('plan', 'outlined.yaml');
  assert.equal(code, 0, stdout + stderr);
});

test('plan warns of a file in which nothing encloses an area: only its slide will fail', async () => {
  const line = { type: 'LineString', coordinates: [[0, 0], [9, 9]] }; // prettier-ignore
  outlines({ 'a.geojson': geojson('Tissue'), 'b.geojson': JSON.stringify(line) });
  pipeline('tissue: outlines');
  const { code, stdout, stderr } = await commands.run('plan', 'outlined.yaml');
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    `${stdout}${stderr}`,
    /nothing in b\.geojson encloses an area \(1 of type LineString\); "b" will fail/,
  );
});
