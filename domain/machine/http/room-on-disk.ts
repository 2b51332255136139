import { statfs } from 'node:fs/promises';
import { SamMilError } from '../../errors.js';

/** @throws SamMilError `DiskFull` where the disk of `folder` has less than `bytes` free */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new SamMilError('DiskFull', 'there is not enough disk space', {
    file: folder,
    expected: `${megabytes(bytes)} MB free`,
    found: `${megabytes(bavail * bsize)} MB`,
    next: 'free some space, or set SAM_MIL_CACHE to a folder on another disk',
  });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
