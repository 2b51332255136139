import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';

export interface Listener {
  /** As in /proc/net: hexadecimal, `0100007F` is 127.0.0.1. */
  host: string;
  port: number;
}

/** Every TCP port that a process of this Linux machine listens on. */
export function listenersOf(pid: number): Listener[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /socket:\[(\d+)\]/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    ),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTENING && sockets.has(fields[9]))
      .map(([, local]) => {
        const [host, port] = local.split(':');
        return { host, port: parseInt(port, 16) };
      }),
  );
}

/** A descriptor may be closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
