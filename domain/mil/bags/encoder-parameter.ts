/** Parameter `encoder` of the activities that read bags. */
export const ENCODER_OF_BAGS = {
  type: 'string',
  description:
    'Encoder whose bags are used, if pathology.extract made bags of several `encoders`: then the output `bag-<encoder>` of each item instead of `bag`.',
} as const;
