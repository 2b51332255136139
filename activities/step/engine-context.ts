import { hostname } from 'node:os';
import { DigestCache } from '../../domain/engine/store/digest-cache.js';
import { ChildPool, type PoolOptions } from '../child/pool.js';
import type { Registry } from '../define/registry.js';

/** What all activities of one worker process share. */
export class EngineContext {
  readonly registry: Registry;
  readonly pool: ChildPool;
  /** Identifies this process in event files. Unique, so that no two processes append to the same file. */
  readonly worker: string;
  private readonly caches = new Map<string, DigestCache>();

  constructor(registry: Registry, pool: Omit<PoolOptions, 'plugins'> = {}) {
    this.registry = registry;
    const plugins = registry.external.map(({ path, digest }) => ({ path, digest }));
    this.pool = new ChildPool({ ...pool, plugins });
    this.worker = `${hostname()}-${process.pid}-${Date.now().toString(36)}`;
  }

  digests(work: string): DigestCache {
    let cache = this.caches.get(work);
    if (!cache) this.caches.set(work, (cache = new DigestCache(work)));
    return cache;
  }

  async close(): Promise<void> {
    await this.pool.close();
  }
}
