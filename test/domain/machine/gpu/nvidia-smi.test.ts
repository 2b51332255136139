import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listGpus } from '../../../../domain/machine/gpu/nvidia-smi.js';
import { gpuLine, StandInSmi, UUIDS } from '../../../support/nvidia-smi.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { setVariables } from '../../../support/variables.js';

const H100 = { name: 'NVIDIA H100 80GB HBM3', memory: 81559 * 2 ** 20, driver: '580.82.07' };

test('lists the GPUs of nvidia-smi; what it does not know is absent', async (context) => {
  const unknown = gpuLine(1, { memory: '[N/A]', driver: '[Unknown Error]', name: '[N/A]' });
  StandInSmi.install(context, { gpus: [gpuLine(0), unknown] });
  assert.deepEqual(await listGpus(), {
    gpus: [
      { index: '0', uuid: UUIDS[0], ...H100 },
      { index: '1', uuid: UUIDS[1], name: 'NVIDIA GPU' },
    ],
  });
});

test('a driver that does not answer is a problem with its own words, and no GPU', async (context) => {
  const said =
    'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver. Make sure that it is running.';
  StandInSmi.install(context, { error: `\n${said}\n` });
  assert.deepEqual(await listGpus(), { gpus: [], problem: `nvidia-smi: ${said}` });
});

test('nvidia-smi without GPUs says so', async (context) => {
  StandInSmi.install(context, { error: 'No devices were found' });
  assert.deepEqual(await listGpus(), { gpus: [], problem: 'nvidia-smi: No devices were found' });
});

test('a broken GPU hides no other one', async (context) => {
  const lost = 'Unable to determine the device handle for GPU1: 0000:41:00.0: Unknown Error';
  StandInSmi.install(context, { error: `${gpuLine(0)}\n${lost}` });
  assert.deepEqual(await listGpus(), {
    gpus: [{ index: '0', uuid: UUIDS[0], ...H100 }],
    problem: `nvidia-smi: ${lost}`,
  });
});

test('an nvidia-smi that hangs is given up, also where it leaves a program behind', async (context) => {
  StandInSmi.install(context, { hangs: true });
  const { gpus, problem } = await listGpus(300);
  assert.deepEqual(gpus, []);
  assert.match(problem ?? '', /^nvidia-smi: it did not end within 0\.3 s$/);
});

test('a divided GPU is replaced by its MIG instances', async (context) => {
  StandInSmi.install(context, {
    gpus: [gpuLine(0), gpuLine(1)],
    list: [
      `GPU 0: NVIDIA H100 80GB HBM3 (UUID: ${UUIDS[0]})`,
      '  MIG 3g.40gb     Device  0: (UUID: MIG-aaaa)',
      '  MIG 3g.40gb     Device  1: (UUID: MIG-bbbb)',
      `GPU 1: NVIDIA H100 80GB HBM3 (UUID: ${UUIDS[1]})`,
    ],
  });
  const { gpus } = await listGpus();
  assert.deepEqual(
    gpus.map(({ index, uuid, name }) => [index, uuid, name]),
    [
      ['0:0', 'MIG-aaaa', 'NVIDIA H100 80GB HBM3 MIG 3g.40gb'],
      ['0:1', 'MIG-bbbb', 'NVIDIA H100 80GB HBM3 MIG 3g.40gb'],
      ['1', UUIDS[1], 'NVIDIA H100 80GB HBM3'],
    ],
  );
});

test('without nvidia-smi, the driver describes the GPUs, and at the least their device files count', async (context) => {
  const root = temporaryFolder(context);
  const places = { driver: join(root, 'gpus'), devices: join(root, 'dev') };
  setVariables(context, { PATH: root });
  assert.deepEqual(await listGpus(1000, places), { gpus: [] });
  mkdirSync(places.devices);
  for (const name of ['nvidia0', 'nvidia3', 'nvidiactl', 'nvidia-uvm'])
    writeFileSync(join(places.devices, name), '');
  assert.deepEqual(
    (await listGpus(1000, places)).gpus.map(({ index, uuid }) => [index, uuid]),
    [
      ['0', undefined],
      ['1', undefined],
    ],
  );
  const describe = (address: string, uuid: string) => {
    mkdirSync(join(places.driver, address), { recursive: true });
    const text = `Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 200\nGPU UUID: \t ${uuid}\nDevice Minor: \t 3\n`;
    writeFileSync(join(places.driver, address, 'information'), text);
  };
  describe('0000:c1:00.0', 'GPU-????????-????-????-????-????????????');
  describe('0000:41:00.0', UUIDS[0]);
  assert.deepEqual((await listGpus(1000, places)).gpus, [
    { index: '0', uuid: UUIDS[0], name: 'NVIDIA A100-SXM4-40GB' },
    { index: '1', name: 'NVIDIA A100-SXM4-40GB' },
  ]);
});
