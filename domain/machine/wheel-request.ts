import type { SetUpLog } from './cache-folder.js';

/** One file of a package release: its platform and the SHA-256 of its bytes. */
export interface WheelFile {
  /** pip's platform tag, as in the file name: `manylinux_2_28_x86_64`, `macosx_11_0_universal2`, `any`. */
  platform: string;
  /** Lowercase hexadecimal, without a prefix. */
  sha256: string;
}

export interface WheelRequest {
  /** Name on the package index. */
  package: string;
  /** The exact version. */
  version: string;
  /** By {@link platformKey}; `any` for a wheel without machine code. */
  files: Readonly<Record<string, WheelFile>>;
  /** Python version tag (`3.12`), for packages whose wheels differ by Python version. */
  python?: string;
  /** Returns the path of a member below `into`, or undefined to skip it. */
  select: (member: string) => string | undefined;
  /**
   * Absolute path of the target folder. It appears complete or not at all; if it exists, nothing is
   * downloaded.
   */
  into: string;
  /** Selects the paths below `into` that get the executable bit, which wheels do not store. */
  executable?: (path: string) => boolean;
  /**
   * Flush all files to disk before the folder appears. Default true; false for thousands of files that are
   * easily replaced.
   */
  durable?: boolean;
  log?: SetUpLog;
}
