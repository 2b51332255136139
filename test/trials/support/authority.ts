import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONFIGURATION = `[ca]
default_ca = trial
[trial]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = policy
[policy]
commonName = supplied
`;

/** A certificate authority in a folder: `ca.pem`, and NAME.pem and NAME.key of each certificate. */
export class Authority {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder);
    this.write('ca.cnf', CONFIGURATION);
    this.write('index.txt', '');
    this.write('serial', '01\n');
    const subject = ['-subj', '/CN=trial authority', '-days', '30'];
    this.openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', ...subject);
  }

  /** @param years first and last year in which it is valid; default: now */
  issue(
    file: string,
    { name, years = [2020, 2089] }: { name: string; years?: readonly [number, number] },
  ): void {
    this.openssl('req', ...NEW_KEY, '-keyout', `${file}.key`, '-out', 'request', '-subj', `/CN=${file}`);
    this.write('extensions', `subjectAltName = DNS:${name}\n`);
    const [from, to] = years.map((year) => `${year}0101000000Z`);
    const signer = ['-batch', '-notext', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key'];
    const validity = ['-startdate', from, '-enddate', to, '-extfile', 'extensions'];
    this.openssl('ca', ...signer, ...validity, '-in', 'request', '-out', `${file}.pem`);
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  private openssl(...args: string[]): void {
    const { status, stderr } = spawnSync('openssl', args, { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  }
}

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes'];

export function opensslUnavailable(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'needs the program openssl';
}
