import { SamMilError } from '../../errors.js';
import { ByteCursor } from './byte-cursor.js';
import type { FileBytes } from '../file-bytes.js';
import { plainGlobals } from './pickle-globals.js';
import { LIMITS, PickleMachine, RefusedGlobal } from './pickle-machine.js';
import { OPCODES } from './pickle-opcodes.js';
import type { FindGlobal, PickleValue } from './pickle-values.js';

export interface UnpickleOptions {
  /** Byte range of the file that the program may use. Default: the whole file. */
  start?: number;
  end?: number;
  /** The classes and functions that the file may name. Default: plain containers and numpy arrays. */
  findGlobal?: FindGlobal;
  /** Resolves a reference to data outside the program. Without it, such references are rejected. */
  persistent?: (id: PickleValue) => PickleValue;
}

/**
 * Runs a pickle (protocols 0 to 5) without executing any code from the file. It can only use the classes and
 * functions of the allow-list, all of which are implemented here, and its size and nesting are bounded. Large
 * byte strings are read when they are requested, so keep the file open until then.
 * @returns the value, and the offset of the first byte after the program
 * @throws SamMilError InvalidInput with the file, the offset, and the class or function that was rejected
 */
export function unpickle(
  file: FileBytes,
  options: UnpickleOptions = {},
): { value: PickleValue; end: number } {
  const cursor = new ByteCursor(file, options.start ?? 0, options.end ?? file.size);
  const machine = new PickleMachine(cursor, options.findGlobal ?? plainGlobals, options.persistent);
  let at = cursor.position;
  try {
    for (let count = 0; count < LIMITS.opcodes; count++) {
      at = cursor.position;
      const byte = cursor.byte();
      const opcode = OPCODES.get(byte);
      if (opcode === undefined) throw new RangeError(`has the unknown opcode 0x${byte.toString(16)}`);
      if (opcode(machine) === true) return { value: machine.pop(), end: cursor.position };
    }
    throw new RangeError(`has more than ${LIMITS.opcodes} steps`);
  } catch (error) {
    throw explained(file.path, at, error);
  }
}

function explained(path: string, at: number, error: unknown): unknown {
  if (error instanceof RefusedGlobal) {
    // Pickles of protocol 2 name the module as Python 2 did.
    const name = error.global.replace(/^__builtin__\./, 'builtins.');
    return new SamMilError('InvalidInput', `the pickle uses "${name}", which is not allowed (byte ${at})`, {
      file: path,
      expected: 'only plain containers, numbers, text, numpy arrays (and tensors in a .pt file)',
      next: 'no code was executed; if you trust the file, save its arrays again without that class',
    });
  }
  if (error instanceof RangeError) {
    return new SamMilError('InvalidInput', `is not a valid pickle: it ${error.message} (byte ${at})`, {
      file: path,
      cause: error,
    });
  }
  return error;
}
