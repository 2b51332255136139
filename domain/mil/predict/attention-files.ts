import { join } from 'node:path';
import { formatCsv } from '../../files/csv.js';
import { createH5 } from '../../files/hdf5/h5.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import type { OutputFile } from '../../job.js';
import { coordsOf, patchRows } from '../../pathology/layouts/rows-without-groups.js';
import type { HostBag } from '../bags/bags.js';

interface TopPatch {
  slide_id: string;
  rank: number;
  x: number;
  y: number;
  attention: string;
}

/** Collects the attention of the patches of each slide. Group rows have no position and are left out. */
export class AttentionFiles {
  readonly files: OutputFile[] = [];
  private readonly top: TopPatch[] = [];
  private readonly scratch: string;
  private readonly count: number;

  /** @param count number of patches of each slide in {@link topTable} */
  constructor(scratch: string, count: number) {
    this.scratch = scratch;
    this.count = count;
    makeScratchFolder(scratch, 'attention');
  }

  /** Writes `attention/<slide>.h5`: attention (N), coords (N x 2, level 0). */
  add(key: string, bag: Pick<HostBag, 'coords' | 'isGroup'>, attention: Float64Array): void {
    const rows = patchRows(bag.isGroup);
    const coords = coordsOf(bag.coords, rows);
    const values = Float32Array.from(rows, (row) => attention[row]);
    const from = join(this.scratch, 'attention', `${key}.h5`);
    const file = createH5(from);
    try {
      file.write('attention', values, [values.length]);
      file.write('coords', BigInt64Array.from(coords, BigInt), [values.length, 2]);
      file.close();
    } catch (error) {
      file.abort();
      throw error;
    }
    this.files.push({ from, to: `attention/${key}.h5` });
    const order = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
    for (const [i, row] of order.slice(0, this.count).entries()) {
      const [x, y] = coords.subarray(2 * row, 2 * row + 2);
      this.top.push({ slide_id: key, rank: i + 1, x, y, attention: `${values[row]}` });
    }
  }

  /** slide_id, rank (1: highest attention), x, y (upper left corner in level-0 pixels), attention. */
  topTable(): string {
    return formatCsv(
      ['slide_id', 'rank', 'x', 'y', 'attention'],
      this.top.map((patch) => ({ ...patch })),
    );
  }
}
