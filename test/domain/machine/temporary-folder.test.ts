import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { makeProcessFolder, removeDeadFolders } from '../../../domain/machine/process-folder.js';
import { runCommand } from '../../../domain/machine/run-command.js';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { eventually } from '../../support/processes.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const PROGRAM = fileURLToPath(new URL('../../support/decode-process.js', import.meta.url));
const linux = process.platform === 'linux' ? false : 'reads /proc';

test(
  'a process killed while it decodes an image leaves no decoder, and the next worker removes its files',
  { skip: linux },
  async (context) => {
    const folder = temporaryFolder(context);
    const image = join(folder, 'large.png');
    const background = { r: 200, g: 100, b: 150 };
    await sharp({
      create: { width: 12_000, height: 12_000, channels: 3, background },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 1 })
      .toFile(image);
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    const env = { ...process.env, TMPDIR: temporary };
    const reader = spawn(process.execPath, [PROGRAM, image], { env, stdio: 'ignore' });
    const files = () => readdirSync(temporary, { recursive: true, encoding: 'utf8' });
    await eventually('the decoder writes', () => files().some((name) => name.includes('pixels.raw')));
    const [decoder] = readFileSync(`/proc/${reader.pid}/task/${reader.pid}/children`, 'utf8')
      .trim()
      .split(' ');
    assert.ok(isProcessAlive(Number(decoder)));
    assert.equal(statSync(join(temporary, files()[0])).mode & 0o777, 0o700);
    reader.kill('SIGKILL');
    await eventually('the decoder is gone', () => !isProcessAlive(Number(decoder)), 5000);
    assert.notDeepEqual(files(), [], 'nothing could clean up');
    assert.equal((await runCommand(process.execPath, [PROGRAM], { env })).code, 0);
    assert.deepEqual(files(), []);

    const undisturbed = await runCommand(process.execPath, [PROGRAM, image], { env });
    assert.equal(undisturbed.code, 0, undisturbed.stderr);
    assert.deepEqual(files(), [], 'a process that ends removes its folder');
  },
);

test('only folders of dead processes of this user on this host are removed', async (context) => {
  const parent = temporaryFolder(context);
  const own = makeProcessFolder(parent, 'x-');
  const [, namespace, start] = /-(\d+)-\d+-(\d+)-\w+$/.exec(own) ?? [];
  const name = (host: string, pid: number, since: string) => `x-${host}-${namespace}-${pid}-${since}-abcdef`;
  const dead = name(hostname(), 2 ** 22 + 1, '5');
  const reused = name(hostname(), process.pid, `${Number(start) + 1}`);
  const elsewhere = name('other-host', 2 ** 22 + 1, '5');
  const foreign = name(hostname(), 2 ** 22 + 2, '5');
  const link = name(hostname(), 2 ** 22 + 3, '5');
  for (const one of [dead, reused, elsewhere, 'x-notes', 'y-1-2-3-abcdef']) mkdirSync(join(parent, one));
  mkdirSync(join(parent, 'target'));
  writeFileSync(join(parent, 'target', 'file'), '');
  symlinkSync('target', join(parent, link));
  const root = process.getuid?.() === 0;
  if (root) {
    mkdirSync(join(parent, foreign));
    chownSync(join(parent, foreign), 65_534, 65_534);
  }
  await removeDeadFolders(parent, 'x-');
  const left = readdirSync(parent).map((entry) => join(parent, entry));
  const kept = [own, elsewhere, link, 'x-notes', 'y-1-2-3-abcdef', 'target', ...(root ? [foreign] : [])];
  // Without /proc, a reused process id is not recognized.
  if (process.platform !== 'linux') kept.push(reused);
  assert.deepEqual(left.sort(), kept.map((entry) => (entry === own ? own : join(parent, entry))).sort());
  assert.ok(existsSync(join(parent, 'target', 'file')));
});
