import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where fetched and built binary parts are kept: `$SAM_MIL_CACHE`, else `$XDG_CACHE_HOME/sam-mil`, else `~/.cache/sam-mil`. Safe to delete
 * at any time, except for weights that a person brought (`weights`): everything else in it is fetched or built again when it is next needed.
 */
export function nativeCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.SAM_MIL_CACHE) return resolve(environment.SAM_MIL_CACHE);
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, 'sam-mil');
  return join(homedir(), '.cache', 'sam-mil');
}

/** `linux-x64`, `darwin-arm64`, ...: the key that pinned binaries are listed under. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}`;
}

/** Takes one line for the person who waits. Set-up steps say through it what they do and what it costs. */
export type SetUpLog = (line: string) => void;

/** For callers that have nobody to tell. */
export const silent: SetUpLog = () => undefined;
