import { hostname } from 'node:os';
import { DigestCache } from '../../domain/engine/store/digest-cache.js';
import { ChildPool, type PoolOptions } from '../child/pool.js';
import type { Registry } from '../define/registry.js';
import { ServedFolders, type CommandPolicy } from './served-folders.js';

export interface EngineOptions {
  pool?: Omit<PoolOptions, 'plugins'>;
  /** See {@link ServedFolders}. */
  serve?: readonly string[];
  /** See {@link CommandPolicy}. Default: `own`. */
  commands?: CommandPolicy;
  /** How long the engine's own activities wait for a work folder that is missing, in milliseconds. */
  patienceMs?: number;
}

/** A file server that restarts is back by then. */
const PATIENCE_MS = 10 * 60_000;

/** What all activities of one worker process share. */
export class EngineContext {
  readonly registry: Registry;
  readonly pool: ChildPool;
  readonly served: ServedFolders;
  readonly patienceMs: number;
  /** Identifies this process in event files. Unique, so that no two processes append to the same file. */
  readonly worker: string;
  private readonly caches = new Map<string, DigestCache>();

  constructor(registry: Registry, { pool, serve, commands, patienceMs = PATIENCE_MS }: EngineOptions = {}) {
    this.registry = registry;
    const plugins = registry.external.map(({ path, digest }) => ({ path, digest }));
    this.pool = new ChildPool({ ...pool, plugins });
    this.served = new ServedFolders(serve, commands);
    this.patienceMs = patienceMs;
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
