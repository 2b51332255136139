import { SamMilError } from '../../../errors.js';
import type { JsonObject } from '../../../json.js';
import { expectsGpu } from '../../../machine/onnx/expects-gpu.js';
import type { Device } from '../../../machine/onnx/onnx-session.js';
import type { EncoderDefinition } from './encoder.js';
import { keyOfEncoder } from './encoders.js';
import { type Precision, PRECISIONS } from './precision.js';

export interface PrecisionRequest {
  precision: Precision | 'auto';
  device: Device;
}

/**
 * The precision to run in. `auto` is the recommendation of the encoder's authors if this machine is expected
 * to use a GPU, and fp32 on the CPU, where half precision is only slower.
 * @throws SamMilError InvalidInput if the encoder runs only in its own precision
 */
export function resolvePrecision(
  { info, halfPrecision }: Pick<EncoderDefinition, 'info' | 'halfPrecision'>,
  { precision, device }: PrecisionRequest,
  hasGpu: () => boolean = expectsGpu,
): Precision {
  if (precision === 'auto') {
    return halfPrecision && device !== 'cpu' && hasGpu() ? (info.precision ?? 'fp32') : 'fp32';
  }
  if (precision === 'fp32' || halfPrecision) return precision;
  throw new SamMilError('InvalidInput', `encoder ${info.name} cannot run in ${precision}`, {
    expected: '`precision: fp32` or `auto`',
    found: precision,
    next:
      info.weightsDigest === null
        ? 'remove `precision`: this encoder is not a neural network'
        : 'remove `precision`: an ONNX model computes in the precision that it was exported in',
  });
}

/**
 * What the cache key states about an encoder. It is computed before a device is chosen, so `auto` is resolved
 * here, for the machine that prepares the step, and the step then runs in this precision on any device. A key
 * with fp32 is the same as without `auto`.
 */
export function keyWithPrecision(definition: EncoderDefinition, request: PrecisionRequest): JsonObject {
  const key = keyOfEncoder(definition.info);
  if (request.precision !== 'auto') return key;
  const precision = resolvePrecision(definition, request);
  return precision === 'fp32' ? key : { ...key, precision };
}

/** Takes a {@link keyWithPrecision} apart again. */
export function splitKey({ precision, ...key }: JsonObject): { key: JsonObject; precision: Precision } {
  return { key, precision: PRECISIONS.find((one) => one === precision) ?? 'fp32' };
}

/** What a bag states about a precision. Bags in fp32 state nothing. */
export function precisionFact(precision: Precision): { encoder_precision?: Precision } {
  return precision === 'fp32' ? {} : { encoder_precision: precision };
}
