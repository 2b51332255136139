import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { executionProviders } from '../../../../domain/machine/onnx/onnx-session.js';

test('the probe reports which execution providers work, and why others do not', async () => {
  const program = fileURLToPath(
    new URL('../../../../domain/machine/onnx/provider-probe.js', import.meta.url),
  );
  const output = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  const { version, providers } = JSON.parse(output) as {
    version: string;
    providers: { name: string; lack?: string }[];
  };
  assert.match(version, /^\d+\.\d+/);
  assert.equal(providers.find(({ name }) => name === 'cpu')?.lack, undefined, 'the CPU computed');
  for (const { name, lack } of await executionProviders()) {
    const probed = providers.find((provider) => provider.name === name);
    assert.ok(probed, name);
    if (lack !== undefined) assert.equal(probed.lack, lack, name);
    else if (probed.lack !== undefined) assert.match(probed.lack, /\S{3}/, name);
  }
});
