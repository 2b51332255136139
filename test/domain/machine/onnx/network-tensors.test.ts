import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TensorLayout } from '../../../../domain/files/torch/torch-layout.js';
import {
  networkTensors,
  type NetworkChoice,
  type NetworkNames,
} from '../../../../domain/machine/onnx/network-tensors.js';
import { expectError } from '../../../support/expect-error.js';

const NAMES: NetworkNames = { anchor: 'conv.weight', unused: [/^head\./] };

const layout = (...names: string[]) =>
  new Map(
    names.map((name): [string, TensorLayout] => [
      name,
      { file: 'a.pth', dtype: 'float32', shape: [1], strides: [1], offset: 0 },
    ]),
  );

test('tensors that no layer uses are refused by name, except counters and known heads', () => {
  const tensors = networkTensors(
    layout('m.conv.weight', 'm.bn.num_batches_tracked', 'm.head.bias', 'optimizer.lr'),
    NAMES,
  );
  assert.ok(tensors.get('conv.weight'));
  tensors.refuseUnread(NAMES);
  const more = networkTensors(layout('conv.weight', 'conv.se.fc1.weight', 'hf_token'), NAMES);
  more.get('conv.weight');
  expectError('UnsupportedFormat', ['a.pth', '2 more: conv.se.fc1.weight, hf_token'], () =>
    more.refuseUnread(NAMES),
  );
});

test('one of several networks is chosen by its prefix, and never guessed', () => {
  const both = layout('student.conv.weight', 'teacher.conv.weight', 'teacher.head.x');
  expectError('InvalidInput', ['several networks', '"student.", "teacher."', 'prefix'], () =>
    networkTensors(both, NAMES),
  );
  for (const prefix of ['teacher', 'teacher.'])
    assert.deepEqual([...networkTensors(both, NAMES, { prefix }).keys()], ['conv.weight', 'head.x']);
  expectError('InvalidInput', ['"ema."'], () => networkTensors(both, NAMES, { prefix: 'ema' }));
  expectError('InvalidInput', ['no network with this prefix', '"a."'], () =>
    networkTensors(layout('a.conv.weight'), NAMES, { prefix: 'b' }),
  );
  const nested = layout('conv.weight', 'conv.bias', 'ema.conv.weight', 'ema.conv.bias');
  assert.deepEqual([...networkTensors(nested, NAMES, { prefix: '' }).keys()], ['conv.weight', 'conv.bias']);
});

test('tensors beside the network are refused too, unless they are known, ignored or a prefix is chosen', () => {
  const file = layout('net.body.conv.weight', 'net.head.x', 'net.neck.x', 'lora.a', 'lora.b', 'epoch');
  const read = (choice: NetworkChoice): void => {
    const tensors = networkTensors(file, NAMES, choice);
    assert.ok(tensors.get('conv.weight'));
    tensors.refuseUnread(NAMES);
  };
  expectError('UnsupportedFormat', ['3 more: net.neck.x, lora.a, lora.b', 'ignore'], () => read({}));
  expectError('UnsupportedFormat', ['2 more: net.neck.x, lora.b'], () => read({ ignore: ['lora.a'] }));
  read({ ignore: ['lora.*', 'net.neck.*'] });
  read({ prefix: 'net.body' });
});

test('a tensor within the network can be ignored by its name with or without the prefix', () => {
  for (const ignore of [['m.extra.*'], ['extra.*'], ['extra.w', 'm.extra.b']]) {
    const tensors = networkTensors(layout('m.conv.weight', 'm.extra.w', 'm.extra.b'), NAMES, { ignore });
    tensors.get('conv.weight');
    tensors.refuseUnread(NAMES);
  }
});
