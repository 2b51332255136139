import { type NumpyLayout, numpyDtype, numpyTensor } from './numpy-array.js';
import { plainInteger } from './pickle-text.js';
import { type FindGlobal, globalsFinder, PickleBytes, PickleObject, PickleTuple } from './pickle-values.js';
import type { PickleValue, PickleGlobal } from './pickle-values.js';
import { toFloat32, type Tensor } from '../tensor.js';

/** A numpy element type. */
export class NumpyDtype extends PickleObject {
  private code: string;
  private order = '<';

  constructor(code: string) {
    super();
    this.code = code;
  }

  /** Type code with byte order, such as `<f4`. */
  get descr(): string {
    return `${this.order}${this.code.replace(/^[<>=|]/, '')}`;
  }

  setState(state: PickleValue): void {
    const order = state instanceof PickleTuple ? state.items[1] : undefined;
    if (typeof order !== 'string' || !/^[<>=|]$/.test(order))
      throw new RangeError('has a malformed numpy type');
    this.order = order;
  }
}

/** A numpy array. {@link tensor} reads its values from the file. */
export class NumpyArray extends PickleObject {
  private layout: (Omit<NumpyLayout, 'bytes'> & { bytes: PickleBytes }) | undefined;

  get shape(): readonly number[] {
    return this.filled().shape;
  }

  /**
   * Returns a row-major copy of the values.
   * @throws RangeError if type, shape and size are inconsistent
   */
  tensor(): Tensor {
    const layout = this.filled();
    return numpyTensor({ ...layout, bytes: layout.bytes.read() });
  }

  /** Sets the state that numpy writes: (version, shape, type, column-major, values). */
  setState(state: PickleValue): void {
    const items = state instanceof PickleTuple ? state.items : [];
    const [shape, dtype, fortran, values] = items.slice(-4);
    this.fill(shape, dtype, fortran === true || fortran === 1, values);
  }

  fill(shape: PickleValue, dtype: PickleValue, fortran: boolean, values: PickleValue): void {
    if (!(shape instanceof PickleTuple) || !(dtype instanceof NumpyDtype))
      throw new RangeError('has a malformed numpy array');
    const { descr } = dtype;
    if (numpyDtype(descr) === undefined)
      throw new RangeError(`has a numpy array of type "${descr}", which is not numeric`);
    this.layout = { descr, shape: shape.items.map(Number), fortran, bytes: toBytes(values) };
  }

  private filled(): Omit<NumpyLayout, 'bytes'> & { bytes: PickleBytes } {
    if (this.layout === undefined) throw new RangeError('has a numpy array without content');
    return this.layout;
  }
}

/** Plain containers and numpy: constructors that can only create values. */
export const plainGlobals: FindGlobal = globalsFinder({
  ...inModules(['builtins', '__builtin__'], {
    set: ([items]) => new Set(toList(items)),
    frozenset: ([items]) => new Set(toList(items)),
    list: ([items]) => [...toList(items)],
    tuple: ([items]) => new PickleTuple(toList(items)),
    dict: () => new Map(),
    bytearray: ([content]) => (content === undefined ? PickleBytes.of(new Uint8Array(0)) : toBytes(content)),
    bytes: ([content]) => (content === undefined ? PickleBytes.of(new Uint8Array(0)) : toBytes(content)),
  }),
  'collections.OrderedDict': ([pairs]) => dictFromPairs(pairs),
  'collections.defaultdict': () => new Map(),
  '_codecs.encode': ([text, encoding]) => encoded(text, encoding),
  ...inModules(['numpy.core.multiarray', 'numpy._core.multiarray'], {
    _reconstruct: () => new NumpyArray(),
    scalar: ([dtype, value]) => toScalar(dtype, value),
  }),
  ...inModules(['numpy.core.numeric', 'numpy._core.numeric'], {
    _frombuffer: ([values, dtype, shape, order]) => {
      const array = new NumpyArray();
      array.fill(shape, dtype, order === 'F', values);
      return array;
    },
  }),
  'numpy.dtype': ([code]) => {
    if (typeof code !== 'string') throw new RangeError('has a malformed numpy type');
    return new NumpyDtype(code);
  },
  'numpy.ndarray': () => {
    throw new RangeError('creates a numpy array directly');
  },
});

/** Combines finders. The first one that knows a name is used. */
export function combineFinders(...finders: readonly FindGlobal[]): FindGlobal {
  return (name): PickleGlobal | undefined => {
    for (const find of finders) {
      const found = find(name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * Returns the items of a list or tuple; none for undefined.
 * @throws RangeError for any other value
 */
export function toList(value: PickleValue | undefined): readonly PickleValue[] {
  if (value === undefined) return [];
  if (value instanceof PickleTuple) return value.items;
  if (Array.isArray(value)) return value;
  throw new RangeError('creates a container from a value that is not a list');
}

function inModules<Make>(modules: readonly string[], makers: Record<string, Make>): Record<string, Make> {
  return Object.fromEntries(
    modules.flatMap((module) => Object.entries(makers).map(([name, make]) => [`${module}.${name}`, make])),
  );
}

function dictFromPairs(pairs: PickleValue | undefined): Map<PickleValue, PickleValue> {
  return new Map(
    toList(pairs).map((pair) => {
      const [key, value] = toList(pair);
      return [key ?? null, value ?? null];
    }),
  );
}

/** Python 3 writes bytes in this way in protocols 0 to 2. */
function encoded(text: PickleValue, encoding: PickleValue): PickleBytes {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw new RangeError('encodes text in an encoding other than latin1');
  }
  return PickleBytes.of(Buffer.from(text, 'latin1'));
}

function toBytes(value: PickleValue): PickleBytes {
  if (value instanceof PickleBytes) return value;
  // Python 2 wrote the values of an array as a string with one character per byte.
  if (typeof value === 'string') return PickleBytes.of(Buffer.from(value, 'latin1'));
  throw new RangeError('has an array whose values are not bytes');
}

function toScalar(dtype: PickleValue, value: PickleValue): PickleValue {
  if (!(dtype instanceof NumpyDtype)) throw new RangeError('has a malformed numpy scalar');
  const tensor = numpyTensor({ descr: dtype.descr, shape: [], fortran: false, bytes: toBytes(value).read() });
  if (tensor.dtype === 'bool') return tensor.data[0] !== 0;
  if (tensor.dtype === 'float16') return toFloat32(tensor)[0];
  const [item] = tensor.data;
  return typeof item === 'bigint' ? plainInteger(item) : item;
}
