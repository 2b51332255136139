import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  automaticMasks,
  type AutomaticMasks,
} from '../../../../../domain/pathology/segment/sam/automatic-masks.js';
import type { SamModel } from '../../../../../domain/pathology/segment/sam/network/sam-model.js';
import type { ImageToSegment } from '../../../../../domain/pathology/segment/segmenter/segmenter.js';
import type { SegmentParameters } from '../../../../../domain/pathology/segment/segmenter/segmenter-parameters.js';
import { parametersOf, type SamCase, samJson } from '../../../../support/sam-case.js';
import { openSmallSam, samImage } from '../../../../support/small-sam.js';
import { scratchFolder } from '../../../../support/scratch-folder.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

/**
 * One crop of 64 points and four of 16, in batches of 10: 7 + 1 calls of `progress`, then four times 2 + 1.
 */
const PARAMETERS: SegmentParameters = {
  ...parametersOf(samJson<SamCase>('auto_one_crop_layer').parameters),
  pointsPerBatch: 10,
};

describe('an interrupted search', () => {
  const folder = scratchFolder();
  let model: SamModel;
  let image: ImageToSegment;
  let undisturbed: AutomaticMasks;

  before(async () => {
    [model, image] = [await openSmallSam(folder), await samImage()];
    undisturbed = (await search(join(folder, 'undisturbed'))).found;
    assert.equal(undisturbed.masks.length, 52);
  });

  test('resumes after SIGKILL in the third crop and gives the same bits', async (context) => {
    const own = temporaryFolder(context);
    assert.equal(await killedAfter(own, 8 + 3 + 1), 'SIGKILL');
    const checkpoint = join(own, 'checkpoint');
    assert.deepEqual(readdirSync(checkpoint).sort(), ['crop-0000.json', 'crop-0001.json']);
    const { found, embedded, reports } = await search(checkpoint);
    assert.equal(embedded, 3);
    assert.deepEqual(found, undisturbed);
    assert.deepEqual(reports.slice(0, 4), ['1/5', '2/5', '2/5 10 of 16 points', '2/5 16 of 16 points']);
    assert.equal(reports.at(-1), '5/5');
  });

  test('throws the reason when aborted within a crop and keeps finished crops', async (context) => {
    const checkpoint = temporaryFolder(context);
    const abort = new AbortController();
    const reason = new Error('the worker shuts down');
    const stop = (report: string): void => (report.startsWith('1/5 10') ? abort.abort(reason) : undefined);
    await assert.rejects(search(checkpoint, {}, stop, abort.signal), reason);
    assert.deepEqual(readdirSync(checkpoint), ['crop-0000.json']);
    const { found, embedded } = await search(checkpoint);
    assert.equal(embedded, 4);
    assert.deepEqual(found, undisturbed);
  });

  test('repeats only damaged, misplaced and truncated crops', async (context) => {
    const checkpoint = temporaryFolder(context);
    await search(checkpoint);
    const path = (crop: number): string => join(checkpoint, `crop-000${crop}.json`);
    const text = readFileSync(path(0), 'utf8');
    writeFileSync(path(0), text.replace('"area":', '"area":1'));
    writeFileSync(path(1), readFileSync(path(2)));
    writeFileSync(path(3), readFileSync(path(3)).subarray(0, 500));
    const { found, embedded } = await search(checkpoint);
    assert.equal(embedded, 3);
    assert.deepEqual(found, undisturbed);
    assert.equal(readFileSync(path(0), 'utf8'), text);
  });

  test('does not reuse crops with other parameters, weights or pixels, but reuses those with another batch size', async (context) => {
    const checkpoint = temporaryFolder(context);
    await search(checkpoint);
    assert.equal((await search(checkpoint, { pointsPerBatch: 16 })).embedded, 0);
    // Parameters that apply after the crops do not invalidate them.
    assert.equal((await search(checkpoint, { cropNmsThresh: 0.5, minMaskRegionArea: 9 })).embedded, 0);
    assert.equal((await search(checkpoint, { predIouThresh: 0.81 })).embedded, 5);
    const changed = { ...image, rgb: image.rgb.map((value, i) => (i === 7 ? value ^ 1 : value)) };
    const other = await automaticMasks(model, 'other', image, PARAMETERS, contextOf(checkpoint, []));
    assert.deepEqual(other, undisturbed);
    const files = readdirSync(checkpoint).map((name) => readFileSync(join(checkpoint, name), 'utf8'));
    await automaticMasks(model, 'other', changed, PARAMETERS, contextOf(checkpoint, []));
    readdirSync(checkpoint).forEach((name, i) =>
      assert.notEqual(readFileSync(join(checkpoint, name), 'utf8'), files[i]),
    );
  });

  async function search(
    checkpoint: string,
    changes: Partial<SegmentParameters> = {},
    onReport: (report: string) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<{ found: AutomaticMasks; embedded: number; reports: string[] }> {
    let embedded = 0;
    const counting: SamModel = {
      imageSize: model.imageSize,
      provider: model.provider,
      embed: (...given) => {
        embedded++;
        return model.embed(...given);
      },
      decode: (...given) => model.decode(...given),
      close: () => model.close(),
    };
    const reports: string[] = [];
    const parameters = { ...PARAMETERS, ...changes };
    const context = contextOf(checkpoint, reports, onReport, signal);
    const found = await automaticMasks(counting, 'small', image, parameters, context);
    return { found, embedded, reports };
  }
});

function contextOf(
  checkpoint: string,
  reports: string[],
  onReport: (report: string) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Parameters<typeof automaticMasks>[4] {
  mkdirSync(checkpoint, { recursive: true });
  return {
    signal,
    checkpoint,
    progress: (done, total, note) => {
      const report = [`${done}/${total}`, note].filter(Boolean).join(' ');
      reports.push(report);
      onReport(report);
    },
    log: () => undefined,
  };
}

/**
 * Starts the search in a process that kills itself at that call of `progress`. Returns the signal that ended
 * it.
 */
function killedAfter(folder: string, calls: number): Promise<NodeJS.Signals | null> {
  const script = fileURLToPath(new URL('../../../../support/masks-process.js', import.meta.url));
  const child = fork(script, [folder, JSON.stringify(PARAMETERS), String(calls)]);
  return new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
}
