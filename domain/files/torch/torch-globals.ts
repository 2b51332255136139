import { gathered } from '../pickle/numpy-array.js';
import { combineFinders, toList, plainGlobals } from '../pickle/pickle-globals.js';
import {
  type FindGlobal,
  globalsFinder,
  PickleGlobal,
  PickleObject,
  PickleTuple,
} from '../pickle/pickle-values.js';
import type { PickleValue } from '../pickle/pickle-values.js';
import {
  bytesPerElement,
  type Dtype,
  countElements,
  isPossibleShape,
  type Tensor,
  type TypedArray,
} from '../tensor.js';

/** Element types of the storage classes of torch, by class name. */
export const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

const DTYPE_NAMES: Readonly<Record<string, Dtype>> = {
  float64: 'float64',
  double: 'float64',
  float32: 'float32',
  float: 'float32',
  float16: 'float16',
  half: 'float16',
  bfloat16: 'bfloat16',
  int64: 'int64',
  int32: 'int32',
  int16: 'int16',
  int8: 'int8',
  uint64: 'uint64',
  uint32: 'uint32',
  uint16: 'uint16',
  uint8: 'uint8',
  bool: 'bool',
};

/**
 * Memory that one or more tensors are views of. An untyped storage is measured in bytes; its tensors state
 * the type.
 */
export class TorchStorage extends PickleObject {
  readonly key: string;
  /** Undefined for an untyped storage. */
  readonly dtype: Dtype | undefined;
  /** Number of elements; number of bytes for an untyped storage. */
  readonly length: number;
  private readonly fetch: (dtype: Dtype) => TypedArray;
  /** Returns the file offset of the first byte. */
  readonly position: () => number;

  constructor(
    key: string,
    dtype: Dtype | undefined,
    length: number,
    fetch: (dtype: Dtype) => TypedArray,
    position: () => number,
  ) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.length = length;
    this.fetch = fetch;
    this.position = position;
  }

  /** Returns all elements. Tensors that share the storage share this memory. */
  elements(dtype: Dtype): TypedArray {
    return this.fetch(dtype);
  }

  setState(): void {
    throw new RangeError('sets the state of a storage');
  }
}

/** A tensor: a strided view of a storage. {@link tensor} checks the bounds and reads the values. */
export class TorchTensor extends PickleObject {
  readonly shape: readonly number[];
  private readonly storage: TorchStorage;
  private readonly offset: number;
  private readonly strides: readonly number[];
  private readonly dtype: Dtype;

  constructor(
    storage: TorchStorage,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
    dtype?: Dtype,
  ) {
    super();
    const type = dtype ?? storage.dtype;
    if (type === undefined) throw new RangeError('has a tensor without an element type');
    [this.storage, this.offset, this.shape, this.strides, this.dtype] = [
      storage,
      offset,
      shape,
      strides,
      type,
    ];
    checkSizes([offset, ...shape, ...strides], shape, strides);
  }

  /**
   * Returns the values in row-major order: a view if the tensor is contiguous, otherwise a copy.
   * @throws RangeError if the tensor exceeds its storage
   */
  tensor(): Tensor {
    const { shape, strides, offset, dtype } = this;
    const data = this.storage.elements(dtype);
    const count = countElements(shape);
    if (count === 0) return { dtype, shape: [...shape], data: data.subarray(0, 0) };
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
    const claim = `tensor (${shape.join(', ')}) with strides (${strides.join(', ')}) and offset ${offset}`;
    if (last >= data.length)
      throw new RangeError(`has a ${claim} that reaches element ${last} of a storage of ${data.length}`);
    // With a stride of 0, a few bytes can represent a huge tensor. Real weights and features never have more
    // elements than their storage.
    if (count > data.length)
      throw new RangeError(`has a ${claim} whose elements overlap in a storage of ${data.length}`);
    if (isContiguous(shape, strides))
      return { dtype, shape: [...shape], data: data.subarray(offset, offset + count) };
    return { dtype, shape: [...shape], data: gathered(data, dtype, shape, strides, offset) };
  }

  /**
   * Returns the location of the values in the file without reading them. `strides` are in elements, `offset`
   * in bytes.
   * @throws RangeError if the tensor exceeds its storage
   */
  layout(): { dtype: Dtype; shape: readonly number[]; strides: readonly number[]; offset: number } {
    const { shape, strides, offset, dtype, storage } = this;
    const size = bytesPerElement(dtype);
    const length = storage.dtype === undefined ? Math.floor(storage.length / size) : storage.length;
    const last = shape.reduce((sum, count, axis) => sum + (count - 1) * strides[axis], offset);
    if (countElements(shape) > 0 && (last >= length || countElements(shape) > length)) {
      throw new RangeError(
        `has a tensor (${shape.join(', ')}) that does not fit its storage of ${length} elements`,
      );
    }
    return { dtype, shape, strides, offset: storage.position() + offset * size };
  }

  /** Tensor subclasses may set attributes, which are not needed. */
  setState(): void {}
}

/**
 * The names that a .pt file may use: plain containers, numpy, storages and the functions that rebuild
 * tensors.
 */
export const torchGlobals: FindGlobal = combineFinders(
  plainGlobals,
  globalsFinder({
    'torch._utils._rebuild_tensor': ([storage, offset, size, stride]) =>
      rebuilt(storage, offset, size, stride),
    'torch._utils._rebuild_tensor_v2': ([storage, offset, size, stride, , , notes]) => {
      checkBits(notes);
      return rebuilt(storage, offset, size, stride);
    },
    'torch._utils._rebuild_tensor_v3': ([storage, offset, size, stride, , , dtype, notes]) => {
      checkBits(notes);
      return rebuilt(storage, offset, size, stride, dtype);
    },
    'torch._utils._rebuild_parameter': ([data]) => toTensor(data),
    'torch._utils._rebuild_parameter_with_state': ([data]) => toTensor(data),
    'torch.nn.parameter.Parameter': ([data]) => toTensor(data),
    'torch._tensor._rebuild_from_type_v2': ([rebuild, , args]) => {
      if (!(rebuild instanceof PickleGlobal))
        throw new RangeError('rebuilds a tensor with a value that is not a function');
      return rebuild.call(toList(args));
    },
    'torch.Size': ([sizes]) => new PickleTuple(toList(sizes)),
    'torch.device': ([device]) => device ?? null,
  }),
  mentioned,
);

/** Names that may be used but not called: storage classes, dtypes, the tensor class. */
function mentioned(name: string): PickleGlobal | undefined {
  const known = storageDtype(name) !== null || dtypeNamed(name) !== undefined || name === 'torch.Tensor';
  return known || name === 'torch._tensor.Tensor' ? new PickleGlobal(name) : undefined;
}

/**
 * Element type of a storage class; undefined for the untyped class, null if the name is not a storage class.
 */
export function storageDtype(name: string): Dtype | undefined | null {
  if (name === 'torch.storage.UntypedStorage' || name === 'torch.UntypedStorage') return undefined;
  const short = /^torch(?:\.storage|\.cuda)?\.(\w+)$/.exec(name)?.[1] ?? '';
  return Object.hasOwn(STORAGE_DTYPES, short) ? STORAGE_DTYPES[short] : null;
}

function dtypeNamed(name: string): Dtype | undefined {
  const short = /^torch\.(\w+)$/.exec(name)?.[1] ?? '';
  return Object.hasOwn(DTYPE_NAMES, short) ? DTYPE_NAMES[short] : undefined;
}

function rebuilt(
  storage: PickleValue,
  offset: PickleValue,
  size: PickleValue,
  stride: PickleValue,
  dtype?: PickleValue,
): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw new RangeError('has a tensor without a storage');
  const type = dtype instanceof PickleGlobal ? dtypeNamed(dtype.name) : undefined;
  const [shape, strides] = [size, stride].map((sizes) => toList(sizes).map(toSize));
  return new TorchTensor(storage, toSize(offset), shape, strides, type);
}

/** Returns NaN, which is never a valid size, for values other than numbers. */
function toSize(value: PickleValue): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : NaN;
}

/** A view may represent the negated or conjugated values of its storage; a note next to it states this. */
function checkBits(notes: PickleValue | undefined): void {
  if (!(notes instanceof Map) || (notes.get('neg') !== true && notes.get('conj') !== true)) return;
  throw new RangeError(
    'has a tensor whose values torch negates or conjugates when it reads them: save tensor.resolve_neg() or tensor.resolve_conj() instead',
  );
}

function toTensor(value: PickleValue): TorchTensor {
  if (!(value instanceof TorchTensor)) throw new RangeError('has a parameter that is not a tensor');
  return value;
}

function checkSizes(numbers: readonly number[], shape: readonly number[], strides: readonly number[]): void {
  const sane = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (sane && shape.length === strides.length && isPossibleShape(shape)) return;
  throw new RangeError(
    `has a tensor with invalid shape (${listSizes(shape)}) and strides (${listSizes(strides)})`,
  );
}

/** A damaged shape may have a million axes. */
function listSizes(sizes: readonly number[]): string {
  return `${sizes.slice(0, 8).join(', ')}${sizes.length > 8 ? ', ...' : ''}`;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}
