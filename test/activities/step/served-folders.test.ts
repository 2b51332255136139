import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isOwnFolder, ServedFolders, type CommandPolicy } from '../../../activities/step/served-folders.js';
import { planPath } from '../../../domain/engine/store/paths.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const RUN = 'run';
const NOT_ROOT = process.getuid?.() !== 0 && 'only root can give files to another account';

/** A work folder with a plan, which this account owns. */
function workFolder(context: TestContext): string {
  const work = join(temporaryFolder(context), 'study');
  mkdirSync(join(work, '.runs', RUN), { recursive: true });
  for (const folder of [work, join(work, '.runs'), join(work, '.runs', RUN)]) chmodSync(folder, 0o755);
  writeFileSync(planPath(work, RUN), '{}', { mode: 0o644 });
  return work;
}

function require(work: string, serve: string[] = []): Promise<void> {
  return new ServedFolders(serve).require({
    work,
    run: RUN,
    plan: { path: planPath(work, RUN), digest: '' },
  });
}

test('programs run for plans that only the own account can change; served ones need `served`, and `none` refuses all', async (context) => {
  const work = workFolder(context);
  const allowed = (commands?: CommandPolicy) =>
    new ServedFolders([work], commands).requireCommands({ work, run: RUN });
  await allowed();
  await allowed('served');
  await assert.rejects(allowed('none'), { code: 'Refused', message: /started with --commands none/ });
  chmodSync(planPath(work, RUN), 0o646);
  await assert.rejects(allowed(), {
    code: 'Refused',
    message: /every account may write to it.*--commands served/,
  });
  await allowed('served');
});

test('a plan in a folder that only the own account can change is carried out, also through a link to the folder', async (context) => {
  const work = workFolder(context);
  await require(work);
  symlinkSync(work, `${work}-link`);
  await require(`${work}-link`);
  assert.equal(await isOwnFolder(work), true);
  assert.equal(await isOwnFolder(join(work, 'new')), true);
});

test('a plan in a folder that other accounts may write to is refused unless the folder is served', async (context) => {
  const work = workFolder(context);
  for (const path of [work, join(work, '.runs'), join(work, '.runs', RUN), planPath(work, RUN)]) {
    chmodSync(path, 0o757);
    await assert.rejects(require(work), (error: Error) => {
      return (
        error.name === 'Refused' &&
        error.message.startsWith(`${path}: this worker does not carry out plans in this work folder`) &&
        error.message.includes('every account may write to it') &&
        error.message.endsWith(`--serve ${work}`)
      );
    });
    await require(work, [join(work, '..')]);
    await require(work, [work]);
    await assert.rejects(require(work, [`${work}-other`, work.slice(0, -1)]), { code: 'Refused' });
    chmodSync(path, 0o755);
  }
});

test(
  'a folder or plan of another account is refused, and one that its group may write to',
  { skip: NOT_ROOT },
  async (context) => {
    const work = workFolder(context);
    for (const path of [work, join(work, '.runs'), join(work, '.runs', RUN), planPath(work, RUN)]) {
      chownSync(path, 65534, 0);
      await assert.rejects(require(work), {
        code: 'Refused',
        message: /found it belongs to the account with id 65534, and this worker runs as 0/,
      });
      chownSync(path, 0, 65534);
      chmodSync(path, 0o775);
      await assert.rejects(require(work), { code: 'Refused', message: /group 65534 may write to it/ });
      chownSync(path, 0, 0);
      await require(work);
      chmodSync(path, 0o755);
    }
    chownSync(work, 65534, 0);
    assert.equal(await isOwnFolder(work), false);
  },
);

test('a plan reached through a symbolic link is refused, even in a served folder', async (context) => {
  const work = workFolder(context);
  const elsewhere = workFolder(context);
  for (const path of [planPath(work, RUN), join(work, '.runs', RUN), join(work, '.runs')]) {
    rmSync(path, { recursive: true });
    symlinkSync(path.replace(work, elsewhere), path);
    await assert.rejects(require(work, [work]), { code: 'Refused', message: /it is a symbolic link/ });
    rmSync(path);
    renameSync(path.replace(work, elsewhere), path);
  }
});

test('a plan at another path than that of its run is refused', async (context) => {
  const work = workFolder(context);
  for (const path of ['/etc/passwd', join(work, 'plan.json'), `${work}/./.runs/${RUN}/plan.json`]) {
    const refused = new ServedFolders([work]).require({ work, run: RUN, plan: { path, digest: '' } });
    await assert.rejects(refused, { code: 'Refused', message: /the plan is not in the run's folder/ });
  }
});
