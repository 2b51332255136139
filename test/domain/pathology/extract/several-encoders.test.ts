import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { definition } from '../../../../activities/pathology/extract.js';
import { digestOfFile } from '../../../../domain/digest.js';
import type { InputFile, JobResult } from '../../../../domain/job.js';
import { encoderKeys } from '../../../../domain/pathology/extract/encoder-keys.js';
import { run } from '../../../../domain/pathology/extract/extract.js';
import type { ExtractWith } from '../../../../domain/pathology/extract/parameters.js';
import { inputFile, jobFor } from '../../../support/activity-job.js';
import { extract, given, type Given } from '../../../support/extract-case.js';
import { writeTinyEncoder } from '../../../support/tiny-encoder.js';

/** Two encoder files that need different sizes, and one that shares the pixels of the first. */
async function threeEncoders(context: TestContext, changes = {}) {
  const one = await given(context, changes);
  const files = await Promise.all(
    [
      { name: 'small', size: 32 },
      { name: 'large', size: 48 },
      { name: 'other', size: 32, std: [0.5, 0.5, 0.5] },
    ].map(async (file) => {
      const folder = join(one.folder, file.name);
      mkdirSync(folder);
      const path = writeTinyEncoder(folder, file);
      const named = join(folder, `${file.name}.yaml`);
      renameSync(path, named);
      return inputFile(named);
    }),
  );
  delete one.parameters.encoder;
  return { ...one, files };
}

function withEncoders(one: Given, files: InputFile[]): Given {
  return { folder: one.folder, parameters: { ...one.parameters, encoders: files } };
}

async function digestsOf({ files }: JobResult): Promise<Record<string, string>> {
  const entries = Object.entries(files).map(async ([name, { from }]) => [name, await digestOfFile(from)]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

describe('several encoders in one reading', () => {
  for (const layout of ['clam', 'trident']) {
    test(`each bag has the bytes of a step with this encoder alone, layout ${layout}`, async (context) => {
      const { files, ...one } = await threeEncoders(context, { layout });
      const together = await digestsOf(await extract(withEncoders(one, files), 'together'));
      for (const [index, name] of ['small', 'large', 'other'].entries()) {
        const parameters = { ...one.parameters, encoder: files[index] };
        const alone = await digestsOf(await extract({ ...one, parameters }, name));
        assert.deepEqual(
          {
            bag: together[`bag-${name}`],
            'bag-pt': together[`bag-pt-${name}`],
            'sam-info': together['sam-info'],
            seg: together.seg,
          },
          alone,
        );
      }
      assert.notEqual(together['bag-small'], together['bag-other']);
    });
  }

  test('the files of each encoder have a folder of their own', async (context) => {
    const { files, ...one } = await threeEncoders(context);
    const result = await extract(withEncoders(one, files.slice(0, 2)));
    assert.deepEqual(Object.fromEntries(Object.entries(result.files).map(([name, { to }]) => [name, to])), {
      'bag-small': 'small/h5_files/slide.h5',
      'bag-pt-small': 'small/pt_files/slide.pt',
      'bag-large': 'large/h5_files/slide.h5',
      'bag-pt-large': 'large/pt_files/slide.pt',
      'sam-info': 'sam_info/slide.h5',
      seg: 'seg_files/slide.h5',
    });
    assert.equal(result.values?.encoder, 'small, large');
    assert.equal(result.values?.['dim-large'], 5);
    assert.equal(result.values?.provider, 'cpu');
  });

  test('an interrupted attempt resumes all encoders and writes the same bytes', async (context) => {
    const { files, ...one } = await threeEncoders(context);
    const undisturbed = await digestsOf(await extract(withEncoders(one, files), 'undisturbed'));
    const { parameters } = withEncoders(one, files);
    const folder = join(one.folder, 'stopped');
    const controller = new AbortController();
    const job = jobFor<ExtractWith>(definition, parameters, folder, controller.signal);
    const reason = new Error('the run was cancelled');
    const stopping = run({ ...job, progress: ({ done }) => done === 8 && controller.abort(reason) });
    await assert.rejects(stopping, reason);
    const resumed = jobFor<ExtractWith>(definition, parameters, folder);
    const result = await run(resumed);
    assert.ok(resumed.reports[0].done >= 8 && resumed.reports[0].done < 30, `${resumed.reports[0].done}`);
    assert.deepEqual(await digestsOf(result), undisturbed);
  });

  test('the key names every encoder, and an encoder that changed since is refused', async (context) => {
    const { files, ...one } = await threeEncoders(context);
    const { parameters } = withEncoders(one, files);
    const job = jobFor<ExtractWith>(definition, parameters, join(one.folder, 'attempt'));
    const given = { precision: 'fp32', device: 'auto', encoders: files.map(({ path }) => path) };
    const places = Object.fromEntries(files.map((file, index) => [`encoders.${index}`, file]));
    const hidden = await encoderKeys(given, places);
    assert.deepEqual(
      (hidden.encoders as { name: string }[]).map(({ name }) => name),
      ['small', 'large', 'other'],
    );
    const [first, , last] = hidden.encoders as { name: string }[];
    const swapped = { encoders: [first, last, last] };
    await assert.rejects(run({ ...job, hidden: swapped }), { code: 'Unavailable', message: /found large/ });
    const result = await run({ ...job, hidden });
    assert.equal(result.values?.encoder, 'small, large, other');
  });

  test('the choice of encoders is checked', async (context) => {
    const { files, ...one } = await threeEncoders(context);
    const [file] = files;
    const refused: [Record<string, unknown>, RegExp][] = [
      [{}, /`encoder` is missing/],
      [{ encoder: file, encoders: files }, /`encoders` and `encoder` are both given/],
      [{ encoders: [file, file] }, /`encoders` names small twice/],
      [{ encoders: files, fallback: 'stain-texture' }, /`fallback` cannot be combined/],
    ];
    for (const [changes, message] of refused) {
      const parameters = { ...one.parameters, ...changes } as Given['parameters'];
      await assert.rejects(extract({ ...one, parameters }), { code: 'InvalidInput', message });
      const plain = Object.entries(changes).map(([name, value]) => [
        name,
        Array.isArray(value)
          ? value.map((each: InputFile) => each.path)
          : ((value as InputFile).path ?? value),
      ]);
      const [fault] = definition.findFaults?.(Object.fromEntries(plain) as Record<string, string>) ?? [];
      assert.match(`\`${fault.parameter}\` ${fault.what}`, message);
    }
  });
});
