import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The folder for downloaded and compiled binaries: `$SAM_MIL_CACHE`, else `$XDG_CACHE_HOME/sam-mil`, else
 * `~/.cache/sam-mil`. You can delete it at any time, except for weights that a person imported (`weights`):
 * everything else is downloaded or compiled again on demand.
 */
export function nativeCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.SAM_MIL_CACHE) return resolve(environment.SAM_MIL_CACHE);
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, 'sam-mil');
  return join(homedir(), '.cache', 'sam-mil');
}

/** `linux-x64`, `darwin-arm64`, ...: the key under which pinned binaries are listed. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}`;
}

/** Receives one line of progress for the user: what a set-up step does and how much it downloads. */
export type SetUpLog = (line: string) => void;

/** For callers that do not report progress. */
export const silent: SetUpLog = () => undefined;
