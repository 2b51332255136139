import { SamMilError, type ErrorCode } from '../../../domain/errors.js';

/** For `assert.throws` and `assert.rejects`: the error is ours, has this code, and its message says what it should. */
export function hasCode(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof SamMilError)) throw error;
    if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.message}`);
    if (!message.test(error.message)) throw new Error(`"${error.message}" does not match ${message}`);
    return true;
  };
}
