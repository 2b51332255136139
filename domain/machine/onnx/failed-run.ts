import { SamMilError } from '../../errors.js';
import type { Provider } from './onnx-session.js';

interface FailedRun {
  /** Path of the .onnx file. */
  path: string;
  provider: Provider;
  /** Dimensions of the input. */
  dims: readonly number[];
  /** What to do if the device is at fault, and if the model is. */
  next: { device: string; model: string };
}

/**
 * On the CPU, the model rejects the input and a retry would fail too. On a device, memory may have been
 * exhausted temporarily.
 */
export function failedRun({ path, provider, dims, next }: FailedRun, cause: unknown): SamMilError {
  const found = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
  const passing = provider.name !== 'cpu' || /alloc|memory/i.test(found);
  return new SamMilError(passing ? 'Internal' : 'InvalidInput', 'the model failed to run', {
    file: path,
    expected: `a model that accepts an input of [${dims.join(', ')}]`,
    found,
    next: passing ? next.device : next.model,
    cause,
  });
}
