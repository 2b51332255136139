import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

const FUZZ = fileURLToPath(new URL('./fuzz/main.js', import.meta.url));

export const fuzz: Trial = {
  name: 'fuzz',
  title: 'damaged and hostile files are given to every parser: each is refused within its limits',
  limit: 1500,
  run: async (scene: Scene) => {
    const child = spawn(process.execPath, [FUZZ, '--seed', `${scene.seed}`], {
      env: { ...process.env, ...scene.environment },
      cwd: scene.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    scene.expect(code === 0, 'every parser holds', output.trim().split('\n').slice(-5).join(' / '));
  },
};
