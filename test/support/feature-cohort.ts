import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFeatures } from '../../domain/pathology/layouts/bag-files.js';
import { RandomStream } from '../../domain/random.js';

const DIM = 8;

/** A folder with features of slides, as another tool wrote them, and tables that name them. */
export class FeatureCohort {
  readonly folder: string;
  private names: string[] = [];

  constructor(folder: string, count: number) {
    this.folder = folder;
    for (let i = 0; i < count; i++) this.write(slideName(i));
    this.list(Array.from({ length: count }, (_, i) => slideName(i)));
    this.label(count);
  }

  /** Writes features of a slide; another `version` has other content. */
  write(slide: string, version = 0): void {
    const stream = new RandomStream('features', slide, String(version));
    const features = Float32Array.from({ length: 6 * DIM }, () => stream.normal());
    if (Number(slide.slice(-2)) % 2 === 1) features[0] += 4;
    const coords = Int32Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 256 * (i >> 1) : 0));
    writeFeatures(this.featuresOf(slide), { features, dim: DIM, coords });
  }

  featuresOf(slide: string): string {
    return join(this.folder, `${slide}.h5`);
  }

  /** Writes `slides.csv`. */
  list(names: readonly string[]): void {
    this.names = [...names];
    const rows = names.map((name) => `${name},${name}.h5\n`);
    writeFileSync(join(this.folder, 'slides.csv'), `slide_id,path\n${rows.join('')}`);
  }

  get listed(): readonly string[] {
    return this.names;
  }

  private label(count: number): void {
    const rows = Array.from({ length: count }, (_, i) => `${slideName(i)},${i % 2 ? 'tumor' : 'normal'}\n`);
    writeFileSync(join(this.folder, 'labels.csv'), `slide_id,label\n${rows.join('')}`);
  }
}

/** `slide_07` */
export function slideName(index: number): string {
  return `slide_${String(index).padStart(2, '0')}`;
}
