import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf, type Scalar, type Tensor } from '../../../../domain/mil/compute/backend.js';
import {
  asOneOperation,
  nativeOps,
  recorded,
  shared,
  silenceHint,
  tapeEngine,
  type NodeBackend,
} from '../../../../domain/mil/compute/tensorflow-internals.js';

/**
 * These are the contracts that a release of TensorFlow.js may break without a compile error: each test is
 * named after its part.
 */

function hasType(name: string, value: unknown, type: string): void {
  assert.equal(typeof value, type, `TensorFlow.js ${tf.version_core} changed ${name}`);
}

function hasMethod(path: string, owner: object, name: string): void {
  hasType(`${path}.${name}`, Reflect.get(owner, name), 'function');
}

/** Runs `f` between the engine's own startTape and endTape. */
function onTape(f: () => void): void {
  const engine = tapeEngine(tf);
  engine.startTape();
  try {
    tf.tidy(f);
  } finally {
    engine.state.activeTape?.forEach(({ saved }) => tf.dispose(saved));
    engine.endTape();
    engine.state.activeTape = null;
  }
}

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`internals of TensorFlow.js on ${backend}`, () => {
    before(() => openBackend(backend));

    test('engine().state has gradientDepth, kernelDepth and nextTapeNodeId', () => {
      const { state } = tapeEngine(tf);
      assert.equal(state.gradientDepth, 0, 'state.gradientDepth');
      assert.equal(state.kernelDepth, 0, 'state.kernelDepth');
      hasType('engine().state.nextTapeNodeId', state.nextTapeNodeId, 'number');
    });

    test('engine().startTape() and endTape() update state.gradientDepth and state.activeTape', () => {
      const { state } = tapeEngine(tf);
      onTape(() => {
        assert.equal(state.gradientDepth, 1);
        assert.deepEqual(state.activeTape, []);
      });
      assert.equal(state.gradientDepth, 0);
    });

    test('state.activeTape gets an operation with id, inputs, outputs, saved and gradient by input', () => {
      const { state } = tapeEngine(tf);
      onTape(() => {
        const [a, b, dy] = [2, 3, 10].map((value): Scalar => tf.scalar(value));
        const first = state.nextTapeNodeId;
        const product = tf.mul(a, b);
        // It records the copies that it saves before itself.
        const tape = state.activeTape ?? [];
        const node = tape[tape.length - 1];
        assert.deepEqual(
          tape.map(({ id }) => id),
          tape.map((_, i) => first + i),
        );
        assert.equal(state.nextTapeNodeId, first + tape.length);
        assert.deepEqual([node.inputs.a.id, node.inputs.b.id], [a.id, b.id]);
        assert.deepEqual(
          node.outputs.map((output) => output.id),
          [product.id],
        );
        assert.equal(node.saved.length, 2);
        state.kernelDepth++;
        const gradients = node.gradient?.([dy]);
        assert.deepEqual([gradients?.a().dataSync()[0], gradients?.b().dataSync()[0]], [30, 20]);
        state.kernelDepth--;
      });
    });

    test('tensors saved by an operation outlive tf.tidy until they are disposed', () => {
      const start = tf.memory().numTensors;
      const { value, operations } = recorded(tf, () => tf.square(tf.scalar(3)));
      const saved = operations.flatMap((operation) => operation.saved);
      assert.deepEqual(
        saved.map((tensor) => tensor.dataSync()[0]),
        [3],
      );
      tf.dispose([value, ...saved]);
      assert.equal(tf.memory().numTensors, start);
    });

    test('state.kernelDepth above 0 keeps operations off the tape', () => {
      const { state } = tapeEngine(tf);
      onTape(() => {
        asOneOperation(tf, (record) => {
          hasType('the recording that asOneOperation sees', record, 'function');
          tf.square(tf.scalar(3));
        });
        assert.deepEqual(state.activeTape, []);
      });
      asOneOperation(tf, (record) => assert.equal(record, undefined, 'nothing is being recorded'));
    });

    test('engine().backend.incRef() and makeTensorFromDataId() share the data of a tensor', () => {
      const engine = tapeEngine(tf);
      hasMethod('engine().backend', engine.backend, 'incRef');
      hasMethod('engine()', engine, 'makeTensorFromDataId');
      const start = tf.memory();
      const original = tf.tensor1d([1, 2]);
      const twin = tf.tidy(() => shared(tf, original));
      assert.equal(tf.memory().numDataBuffers, start.numDataBuffers + 1);
      original.dispose();
      assert.deepEqual([...twin.dataSync()], [1, 2]);
      twin.dispose();
      const { numTensors, numDataBuffers } = tf.memory();
      assert.deepEqual([numTensors, numDataBuffers], [start.numTensors, start.numDataBuffers]);
    });
  });
}

describe('internals of the native package', () => {
  before(() => openBackend('tensorflow'));

  test("backend().binding has TensorFlow's numbers of types and attributes", () => {
    const { binding } = tf.backend() as unknown as NodeBackend;
    // As in TensorFlow's C header tf_datatype.h.
    const numbers = { TF_FLOAT: 1, TF_INT32: 3, TF_UINT8: 4, TF_BOOL: 10 } as const;
    for (const [name, number] of Object.entries(numbers)) {
      assert.equal(binding[name as keyof typeof numbers], number, `binding.${name}`);
    }
    const attributes = ['TF_ATTR_TYPE', 'TF_ATTR_BOOL', 'TF_ATTR_STRING', 'TF_ATTR_SHAPE'] as const;
    for (const name of attributes) hasType(`binding.${name}`, binding[name], 'number');
    assert.equal(new Set(attributes.map((name) => binding[name])).size, attributes.length);
    hasType('binding.isUsingGpuDevice()', binding.isUsingGpuDevice(), 'boolean');
  });

  test('backend().getInputTensorIds() transfers a tensor on first use', () => {
    const backend = tf.backend() as unknown as NodeBackend;
    hasMethod('backend()', backend, 'getInputTensorIds');
    const ids = backend.getInputTensorIds([tf.scalar(1), tf.scalar(2)]);
    assert.equal(new Set(ids).size, 2);
    ids.forEach((id) => hasType('an id of getInputTensorIds', id, 'number'));
  });

  test('backend().binding.executeOp() and createOutputTensor() run an operation by name', () => {
    const ops = nativeOps(tf);
    const [a, b] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4]])];
    const product = ops.run(
      'MatMul',
      [ops.type('T', ops.types.float32), ops.bool('transpose_a', false), ops.bool('transpose_b', true)],
      [a, b],
    );
    assert.deepEqual([product.shape, product.dtype, ...product.dataSync()], [[1, 1], 'float32', 11]);
    assert.throws(() => ops.run('NoSuchOperation', [], []), /NoSuchOperation/);
    tf.dispose([a, b, product]);
  });

  test('createOutputTensor() accepts bytes, which the JavaScript API lacks', () => {
    const ops = nativeOps(tf);
    const { int32, uint8 } = ops.types;
    const bytes = ops.run(
      'Cast',
      [ops.type('SrcT', int32), ops.type('DstT', uint8), ops.bool('Truncate', false)],
      [tf.tensor1d([7, 255], 'int32')],
    );
    const back = ops.run<Tensor>(
      'Cast',
      [ops.type('SrcT', uint8), ops.type('DstT', int32), ops.bool('Truncate', false)],
      [bytes],
    );
    assert.deepEqual([...back.dataSync()], [7, 255]);
  });

  test('createOutputTensor() accepts resources, and executeOp() runs operations without output', () => {
    const ops = nativeOps(tf);
    const float = [ops.type('dtype', ops.types.float32)];
    const place = [
      ops.shape('shape', [2]),
      ops.string('container', ''),
      ops.string('shared_name', 'contract'),
    ];
    const handle = ops.run('VarHandleOp', [...float, ...place], []);
    ops.perform('AssignVariableOp', float, [handle, tf.tensor1d([5, 6])]);
    const value = ops.run('ReadVariableOp', float, [handle]);
    assert.deepEqual([...value.dataSync()], [5, 6]);
    ops.perform('DestroyResourceOp', [ops.bool('ignore_lookup_error', false)], [handle]);
    assert.throws(() => ops.run('ReadVariableOp', float, [handle]));
  });
});

test('backend().firstUse makes the JavaScript backend print its hint', async (context) => {
  await openBackend('js');
  const backend = tf.backend() as unknown as { firstUse: boolean };
  assert.equal(backend.firstUse, false, 'openBackend has cleared it');
  const printed = context.mock.method(console, 'warn', () => undefined);
  backend.firstUse = true;
  tf.tensor1d([1]).dispose();
  assert.equal(printed.mock.callCount(), 1, 'the hint is printed once');
  backend.firstUse = true;
  silenceHint(tf);
  tf.tensor1d([1]).dispose();
  assert.equal(printed.mock.callCount(), 1);
});
