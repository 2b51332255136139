import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findEncoder } from '../../../../../../domain/pathology/extract/encoders/encoders.js';
import { assertHalf, useOwnCache } from '../../../../../support/half-precision.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';
import { encoderKeys, expectedValues, patchesOf, VIT_CASES } from '../../../../../support/vit-fixtures.js';

for (const one of VIT_CASES) {
  for (const precision of ['fp16', 'bf16'] as const) {
    test(`${one.variant}, ${one.case}, in ${precision} gives the float32 features up to rounding`, async (context) => {
      useOwnCache(context);
      const path = join(temporaryFolder(context), 'encoder.json');
      writeFileSync(path, JSON.stringify(encoderKeys(one)));
      const definition = await findEncoder(path);
      const encoder = await definition.open({ device: 'cpu', threads: 2, precision });
      context.after(() => encoder.close());
      const found = await encoder.encode(await patchesOf(one.images), one.images.length);
      assertHalf(precision, found, expectedValues(one.variant, one.features), definition.info.dim);
    });
  }
}
