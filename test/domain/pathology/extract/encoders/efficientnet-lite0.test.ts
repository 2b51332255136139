import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { loadOnnxRuntime } from '../../../../../domain/machine/onnx-runtime.js';
import {
  efficientNetLite0,
  lite0Model,
} from '../../../../../domain/pathology/extract/encoders/efficientnet-lite0.js';
import { openSession } from '../../../../../domain/machine/onnx/onnx-session.js';
import { normalize, createNormalizer } from '../../../../../domain/machine/onnx/normalize-pixels.js';
import { ensureWeights } from '../../../../../domain/machine/weights/fetch-weights.js';
import { resizeRgb } from '../../../../support/pixels.js';
import { fixture } from '../../../../support/fixtures.js';
import { readFloatNpy } from '../../../../support/npy.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

let weights = '';
let unavailable: string | false = false;

describe('EfficientNet-Lite0', () => {
  before(async () => {
    try {
      weights = await ensureWeights('efficientnet-lite0');
    } catch (error) {
      unavailable = `its weights cannot be downloaded here: ${String(error)}`;
    }
  });

  test("features equal PyTorch's on the same weights", async (context) => {
    if (unavailable) return context.skip(unavailable);
    const encoder = await efficientNetLite0.open({ device: 'cpu' });
    const { data } = await fixturePixels('encoders/patch0.png');
    compare(await encoder.encode(data, 1), 'lite0_patch0.npy');
    const larger = await fixturePixels('encoders/patch_300.png');
    const resized = resizeRgb(
      larger.data,
      larger,
      { width: 224, height: 224 },
      efficientNetLite0.info.resize,
    );
    compare(await encoder.encode(resized, 1), 'lite0_from_300.npy');
    await encoder.close();
  });

  // Parity alone would not detect the same wrong activation in both; the ImageNet labels would then be wrong.
  for (const [name, labels] of [
    ['chelsea', { 281: 'tabby', 282: 'tiger cat', 285: 'Egyptian cat' }],
    ['coffee', { 967: 'espresso' }],
  ] as const) {
    test(`recognizes the photograph ${name}.jpg`, async (context) => {
      if (unavailable) return context.skip(unavailable);
      const { session } = await openSession(await lite0Model(weights, 224), { device: 'cpu' });
      const { data } = await fixturePixels(`encoders/${name}.jpg`);
      const image = new Float32Array(3 * 224 * 224);
      const { mean, std } = efficientNetLite0.info;
      normalize(data, 1, 224 * 224, createNormalizer(mean, std), image);
      const { Tensor } = await loadOnnxRuntime();
      const results = await session.run({ image: new Tensor('float32', image, [1, 3, 224, 224]) });
      const logits = [...(results.logits.data as Float32Array)];
      const best = logits.indexOf(Math.max(...logits));
      assert.ok(best in labels, `class ${best} is none of ${JSON.stringify(labels)}`);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const share = Object.keys(labels).reduce((sum, at) => sum + Math.exp(logits[Number(at)]), 0) / total;
      assert.ok(share > 0.6, `these classes have ${share}`);
    });
  }

  test('refuses weights other than the pinned ones', async (context) => {
    if (unavailable) return context.skip(unavailable);
    const path = join(temporaryFolder(context), 'efficientnet-lite0-57934424.pth');
    copyFileSync(weights, path);
    writeFileSync(path, 'x', { flag: 'a' });
    await assert.rejects(lite0Model(path, 224), {
      code: 'InvalidInput',
      message: /not the pinned weights.*expected sha256:5793.*Next: delete/,
    });
  });
});

function compare(features: Float32Array, name: string): void {
  const { data } = readFloatNpy(fixture(`encoders/${name}`));
  assert.equal(features.length, data.length);
  let worst = 0;
  features.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - data[i]))));
  assert.ok(worst < 1e-4, `largest difference ${worst}`);
  assert.ok(Math.max(...data) > 1, 'the golden features are not all near zero');
}
