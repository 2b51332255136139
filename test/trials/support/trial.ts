import type { Scene } from './scene.js';

export interface Trial {
  name: string;
  /** What is done, and what must hold, in one line. */
  title: string;
  /** Part of `--quick` and of `npm test`: ends within 15 seconds, and shows what no other test shows. */
  quick?: boolean;
  /** Seconds after which it counts as hanging. Default: ten minutes. */
  limit?: number;
  /** Returns why it cannot run on this machine. */
  unavailable?(): string | undefined;
  /** Disturbs the product and records what holds and what does not. An exception is a fault too. */
  run(scene: Scene): Promise<void>;
}

export function rootOnly(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}
