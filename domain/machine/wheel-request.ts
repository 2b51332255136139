import type { SetUpLog } from './cache-folder.js';

/** One file of a package release: where it runs, and the SHA-256 that its bytes must have. */
export interface WheelFile {
  /** pip's platform tag, as it stands in the file name: `manylinux_2_28_x86_64`, `macosx_11_0_universal2`, `any`. */
  platform: string;
  /** Hexadecimal, lower case, without a prefix. */
  sha256: string;
}

export interface WheelRequest {
  /** Name on the package index, and the one version that is meant. */
  package: string;
  version: string;
  /** By {@link platformKey}; `any` for a wheel that holds no machine code. */
  files: Readonly<Record<string, WheelFile>>;
  /** Python version tag to ask for where wheels differ by it (`3.12`); otherwise left out. */
  python?: string;
  /** Which members are wanted: returns the path below `into`, or undefined to leave a member out. */
  select: (member: string) => string | undefined;
  /** Absolute folder that will hold the members. It appears complete or not at all; where it stands already nothing is fetched. */
  into: string;
  /** Paths below `into` that get the executable bit, which a wheel does not keep. */
  executable?: (path: string) => boolean;
  /** Write through to the disk before the folder appears. Default true; false for thousands of files that are thrown away again. */
  durable?: boolean;
  log?: SetUpLog;
}
