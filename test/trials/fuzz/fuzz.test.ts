import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { findOpenSlideLibrary } from '../../../domain/machine/fetch-openslide.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { fuzz } from './fuzz.js';
import { KINDS } from './kinds.js';
import { ReaderChild } from './reader-child.js';

const folder = scratchFolder();

before(() => findOpenSlideLibrary());

test('every reader refuses wrong files, and survives damaged ones', async (context) => {
  const child = new ReaderChild();
  context.after(() => child.close());
  for (const kind of Object.keys(KINDS)) {
    const { faults } = await fuzz({ kind, folder, child, count: 4, seed: 1 });
    assert.deepEqual(faults, [], kind);
  }
});
