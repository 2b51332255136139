import assert from 'node:assert/strict';
import { type ErrorCode, SamMilError } from '../../domain/errors.js';

/**
 * Runs `act` and checks that it fails with `code` and a message that contains all `words` (file, numbers,
 * names).
 */
export function expectError(code: ErrorCode, words: readonly (string | RegExp)[], act: () => unknown): void {
  assert.throws(act, (error: unknown) => {
    assert.ok(error instanceof SamMilError, `a SamMilError, not ${String(error)}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) {
      const said = typeof word === 'string' ? error.message.includes(word) : word.test(error.message);
      assert.ok(said, `"${error.message}" should say ${String(word)}`);
    }
    return true;
  });
}
