import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';

export interface Listener {
  /** As in /proc/net: hexadecimal, `0100007F` is 127.0.0.1. */
  host: string;
  port: number;
}

/** Every TCP port that one of these processes of this Linux machine listens on. */
export function listenersOf(...pids: readonly number[]): Listener[] {
  const sockets = new Set(pids.flatMap(socketsOf));
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

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  // A process may end meanwhile.
  const descriptors = existsSync(folder) ? readdirSync(folder) : [];
  return descriptors.flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${fd}`))?.[1] ?? []);
}

/** A descriptor may be closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
