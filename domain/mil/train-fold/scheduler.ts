export type Schedule = 'cosine' | 'step' | 'constant';

/**
 * Learning rate of an epoch. `cosine` decreases from `base` at epoch 0 to 0 after the last (Loshchilov and
 * Hutter 2017, like PyTorch's CosineAnnealingLR stepped once per epoch). `step` multiplies by 0.2 after half
 * of the epochs. `constant` does not change.
 *
 * @param epoch from 0
 */
export function learningRate(schedule: Schedule, base: number, epoch: number, epochs: number): number {
  if (schedule === 'cosine') return (base * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
  if (schedule === 'step') return 2 * epoch < epochs ? base : base * 0.2;
  return base;
}
