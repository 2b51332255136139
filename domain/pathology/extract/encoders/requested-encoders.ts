import { memberLabel, type StepFault } from '../../../activity-schema.js';
import { SamMilError } from '../../../errors.js';
import type { InputFile } from '../../../job.js';

export interface RequestedEncoder {
  encoder: string | InputFile;
  /** Name to use if its weights are not available. */
  fallback?: string;
  /** Distinguishes the outputs of several encoders; undefined if one is given as `encoder`. */
  label?: string;
}

/** The parameters that select encoders. */
export interface EncoderChoice {
  encoder?: string | InputFile;
  encoders?: readonly (string | InputFile)[];
  fallback?: string;
}

/**
 * Lists the encoders of a step: `encoder`, or each of `encoders`.
 * @throws SamMilError InvalidInput if both or none of them are given, or two have the same outputs
 */
export function requestedEncoders({ encoder, encoders, fallback }: EncoderChoice): RequestedEncoder[] {
  const fault = encoderFault({ encoder, encoders, fallback });
  if (fault)
    throw new SamMilError('InvalidInput', `\`${fault.parameter}\` ${fault.what}`, { next: fault.next });
  if (encoder !== undefined) return [{ encoder, fallback }];
  return (encoders ?? []).map((one) => ({ encoder: one, label: labelOf(one) }));
}

/** A fault as validation reports it, see {@link StepFault}. */
type EncoderFault = Pick<StepFault, 'parameter' | 'what' | 'next' | 'missing'>;

/** What is wrong with the parameters that select encoders. */
export function encoderFault({ encoder, encoders, fallback }: EncoderChoice): EncoderFault | undefined {
  if (encoder !== undefined && encoders !== undefined) {
    return {
      parameter: 'encoders',
      what: 'and `encoder` are both given',
      next: 'use `encoder` for one encoder, or `encoders` for several in one reading',
    };
  }
  if (encoders === undefined) {
    if (encoder !== undefined) return undefined;
    return {
      parameter: 'encoder',
      what: 'is missing',
      missing: true,
      next: 'set `encoder: resnet50`, or `encoders: [resnet50, plip]` for several in one reading',
    };
  }
  if (fallback !== undefined) {
    return {
      parameter: 'fallback',
      what: 'cannot be combined with `encoders`, whose outputs are named after them',
      next: 'remove `fallback`, or list its encoder in `encoders`',
    };
  }
  const labels = encoders.map(labelOf);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice === undefined) return undefined;
  return {
    parameter: 'encoders',
    what: `names ${twice} twice`,
    next: 'list each encoder once; encoder files need different file names',
  };
}

function labelOf(encoder: string | InputFile): string {
  return memberLabel(typeof encoder === 'string' ? encoder : encoder.path);
}
