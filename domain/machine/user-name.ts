import { userInfo } from 'node:os';

/**
 * Name of the user of this process. A user id without an entry in the password file, as in many containers,
 * has no name; `USER` or its number is used instead.
 */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
