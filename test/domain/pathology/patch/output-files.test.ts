import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeStitch } from '../../../../domain/pathology/layouts/bag-files.js';
import { SamMilError } from '../../../../domain/errors.js';
import { OutputFiles } from '../../../../domain/pathology/patch/output-files.js';
import type { OutputContent } from '../../../../domain/pathology/patch/write-output.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const stitch = {
  pixels: Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => i),
  width: 7,
  height: 5,
  downsample: [64, 64],
} as const;
const jpeg = { rgb: stitch.pixels, width: 7, height: 5, downsample: [64, 64] } as const;

test('the writing thread writes the same bytes as direct writing, including concurrently', async (context) => {
  const folder = temporaryFolder(context);
  const files = new OutputFiles();
  const names = ['a.h5', 'b.h5', 'c.h5'];
  await Promise.all(names.map((name) => files.write(join(folder, name), { stitch })));
  writeStitch(join(folder, 'direct.h5'), stitch);
  const direct = readFileSync(join(folder, 'direct.h5'));
  for (const name of names) assert.deepEqual(readFileSync(join(folder, name)), direct);
});

test('a failed write rejects with the error of the writer, and the next file is written', async (context) => {
  const folder = temporaryFolder(context);
  const files = new OutputFiles();
  for (const [name, content] of Object.entries<OutputContent>({ 'a.h5': { stitch }, 'a.jpg': { jpeg } })) {
    const lost = join(folder, 'missing', name);
    await assert.rejects(
      files.write(lost, content),
      (error) =>
        error instanceof SamMilError && error.code === 'InvalidInput' && error.message.includes(lost),
    );
    await files.write(join(folder, name), content);
    assert.ok(readFileSync(join(folder, name)).length > 0);
  }
});
