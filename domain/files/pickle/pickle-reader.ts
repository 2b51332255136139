import { SamMilError } from '../../errors.js';
import { ByteCursor } from './byte-cursor.js';
import type { FileBytes } from '../file-bytes.js';
import { plainGlobals } from './pickle-globals.js';
import { LIMITS, PickleMachine, RefusedGlobal } from './pickle-machine.js';
import { OPCODES } from './pickle-opcodes.js';
import type { FindGlobal, PickleValue } from './pickle-values.js';

export interface UnpickleOptions {
  /** Range of the file that the program may use; the whole file by default. */
  start?: number;
  end?: number;
  /** What the file may name; by default plain containers and numpy arrays. */
  findGlobal?: FindGlobal;
  /** What a reference to data outside the program stands for; by default none may be made. */
  persistent?: (id: PickleValue) => PickleValue;
}

/**
 * Runs a pickle (protocols 0 to 5) without executing anything of the file's: the only classes and functions it can reach are those of the
 * allow-list, all of them ours, and its size and nesting are bounded. Large byte strings are read when they are asked for, so keep the file
 * open until then.
 * @returns the value and the offset just behind the program
 * @throws SamMilError InvalidInput naming the file, the offset, and the class or function that was refused
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
    return new SamMilError(
      'InvalidInput',
      `the pickle wants to use "${error.global}", which is refused (byte ${at})`,
      {
        file: path,
        expected: 'only plain containers, numbers, text, numpy arrays (and tensors in a .pt file)',
        next: 'nothing in it was executed; if you trust the file, save its arrays again without that class',
      },
    );
  }
  if (error instanceof RangeError) {
    return new SamMilError('InvalidInput', `is not a usable pickle: it ${error.message} (byte ${at})`, {
      file: path,
      cause: error,
    });
  }
  return error;
}
