export type Schedule = 'cosine' | 'step' | 'constant';

/**
 * Learning rate of an epoch. `cosine` falls from `base` at epoch 0 to 0 after the last (Loshchilov and Hutter 2017, as PyTorch's
 * CosineAnnealingLR stepped once an epoch); `step` multiplies by 0.2 from half of the epochs on; `constant` stays.
 *
 * @param epoch from 0
 */
export function learningRate(schedule: Schedule, base: number, epoch: number, epochs: number): number {
  if (schedule === 'cosine') return (base * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
  if (schedule === 'step') return 2 * epoch < epochs ? base : base * 0.2;
  return base;
}
