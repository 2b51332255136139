import { randomUUID } from 'node:crypto';
import { lstat, readlink, rename, rm, symlink } from 'node:fs/promises';

/**
 * Creates a symbolic link atomically. It replaces an older link or a folder that an installation left behind.
 */
export async function linkInto(link: string, target: string): Promise<void> {
  const present = await lstat(link).catch(() => undefined);
  if (present?.isSymbolicLink() && (await readlink(link)) === target) return;
  const temporary = `${link}.${process.pid}-${randomUUID().slice(0, 8)}`;
  await symlink(target, temporary);
  if (present?.isDirectory()) await rm(link, { recursive: true, force: true });
  await rename(temporary, link);
}
