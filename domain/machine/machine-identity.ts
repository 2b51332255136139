import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names the set of processes whose ids this process can check. Host names are not enough: containers and
 * cloned machines often share one, and a process of another machine or container would then seem to have
 * ended. On Linux the name contains the boot of the kernel and the namespace of process ids.
 */
export function machineIdentity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${hostname()}/${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
