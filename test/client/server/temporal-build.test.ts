import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { goEnvironment } from '../../../client/server/go-toolchain.js';
import { buildTemporalServer, programPath } from '../../../client/server/temporal-build.js';
import { pinsPath, readTemporalSources, SOURCES_FOLDER } from '../../../client/server/temporal-sources.js';
import { digestOfFile } from '../../../domain/digest.js';
import { silent } from '../../../domain/machine/cache-folder.js';
import { runCommand } from '../../../domain/machine/run-command.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { setVariables } from '../../support/variables.js';
import { writeModule } from '../../support/module-proxy.js';

/** What a caller's environment may hold to make a build accept other bytes. */
const HOSTILE = {
  GOFLAGS: '-mod=mod -insecure',
  GONOSUMDB: '*',
  GONOSUMCHECK: '1',
  GOPRIVATE: '*',
  GONOPROXY: '*',
  GOINSECURE: '*',
  GOSUMDB: 'evil.test',
  GOTOOLCHAIN: 'go1.1+auto',
  GOWORK: '/evil/go.work',
  GOENV: '/evil/env',
  GOAUTH: '/evil/program',
  GOEXPERIMENT: 'evil',
  CGO_ENABLED: '1',
  CC: '/evil/cc',
};

test('nothing that the caller sets for Go reaches the build, except where modules come from', async (context) => {
  setVariables(context, { ...HOSTILE, GOPROXY: 'https://user:pass@proxy.test' });
  const environment = await goEnvironment(await toolchain(), '/scratch', 'linux-arm64');
  const inherited = Object.entries(HOSTILE).filter(([name, value]) => environment[name] === value);
  assert.deepEqual(inherited, []);
  const { GOPROXY, GOSUMDB, GOENV, GOOS, GOARCH, CC } = environment;
  assert.deepEqual(
    [GOPROXY, GOSUMDB, GOENV, GOOS, GOARCH, CC],
    ['https://user:pass@proxy.test', 'off', 'off', 'linux', 'arm64', undefined],
  );
});

test('sources without the digests of their modules are refused', async (context) => {
  const folder = temporaryFolder(context);
  cpSync(SOURCES_FOLDER, folder, { recursive: true });
  const { key } = await readTemporalSources(folder);
  assert.equal(key, (await readTemporalSources()).key);
  writeFileSync(join(folder, 'main.go'), `${readFileSync(join(folder, 'main.go'), 'utf8')}\n`);
  assert.notEqual((await readTemporalSources(folder)).key, key, 'an edit makes another key');
  rmSync(join(folder, 'go.sum'));
  await assert.rejects(readTemporalSources(folder), {
    name: 'InvalidInput',
    message: /go\.sum.*nothing is built/,
  });
});

test('the pinned digests are those of the sources as they are (else run bench/pin-server)', async () => {
  const { sources } = JSON.parse(readFileSync(pinsPath(SOURCES_FOLDER), 'utf8')) as { sources: string };
  assert.equal((await readTemporalSources()).key, sources);
});

const PROGRAM = 'package main\n\nimport "example.test/m"\n\nfunc main() { print(m.Text) }\n';

test('a module that is not the one in go.sum ends the build and is named; the right one is built', async (context) => {
  const go = await toolchain();
  if (go === '') return context.skip('no Go on PATH');
  const folder = temporaryFolder(context);
  const sum = writeModule(join(folder, 'proxy'), 'example.test/m', 'v1.0.0', {
    'go.mod': 'module example.test/m\n\ngo 1.21\n',
    'm.go': 'package m\n\nconst Text = "right"\n',
  });
  setVariables(context, { ...HOSTILE, GOPROXY: `file://${join(folder, 'proxy')}` });
  const build = async (name: string, goSum: string) => {
    const files = new Map([
      ['go.mod', 'module t\n\ngo 1.21\n\nrequire example.test/m v1.0.0\n'],
      ['go.sum', goSum],
      ['main.go', PROGRAM],
    ]);
    const into = join(folder, name, 'out');
    mkdirSync(dirname(into));
    await buildTemporalServer({ files, key: '', pins: {} }, into, { log: silent, toolchain: go });
    return digestOfFile(programPath(into));
  };
  for (const wrong of ['', sum.replace(/h1:...../, 'h1:AAAAA')]) {
    await assert.rejects(build(`wrong-${wrong.length}`, wrong), {
      name: 'InvalidInput',
      message: /Go module .* not the expected one.*example\.test\/m/s,
    });
  }
  assert.match(await build('right', sum), /^sha256:/);
});

/** GOROOT of the Go on PATH, or an empty text. */
async function toolchain(): Promise<string> {
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, GOTOOLCHAIN: 'local' };
  const result = await runCommand('go', ['env', 'GOROOT'], { env: environment });
  return result.stdout.trim();
}
