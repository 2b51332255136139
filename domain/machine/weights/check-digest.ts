import { statSync } from 'node:fs';
import { SamMilError } from '../../errors.js';
import { WEIGHTS } from './manifest.js';
import type { UrlEntry } from './weights-entry.js';
import type { WeightsRecord } from './weights-record.js';

/**
 * What is known about a file: `pinned`, its digest is in the manifest; `recorded`, no digest is pinned for
 * this model, and the one of the first file is recorded; `own`, custom weights that the user accepted.
 */
export type Trust = 'pinned' | 'recorded' | 'own';

export interface FoundFile {
  /** Path or URL, for messages. */
  file: string;
  /** `sha256:...` */
  digest: string;
  /** `--accept-digest`: any file (`true`), or the one with this SHA-256. */
  accept?: boolean | string;
  /** SHA-256 that the server stated for the file that it sent, in hexadecimal. */
  served?: string;
  /** Of the installed file of this model. */
  before?: WeightsRecord;
}

/**
 * Decides whether a file is the published one.
 * @throws SamMilError InvalidInput naming the digests if it is another file
 */
export function checkDigest(entry: UrlEntry, found: FoundFile): Trust {
  const { digest, accept, served, before } = found;
  if (pinnedFiles(entry).some(({ sha256 }) => digest === `sha256:${sha256}`)) return 'pinned';
  if (served !== undefined && digest !== `sha256:${served}`) throw damaged(found, served);
  if (isKnown(entry, found)) return 'recorded';
  if (isAccepted(found)) return 'own';
  if (typeof accept === 'string') {
    throw new SamMilError('InvalidInput', 'this is not the file whose digest was accepted', {
      file: found.file,
      expected: withScheme(accept),
      found: digest,
    });
  }
  refuseOtherModel(entry, found);
  if (entry.sha256 !== undefined) throw unpublished(entry, found);
  const { stated } = entry;
  if (stated !== undefined)
    throw unconfirmed(entry, found, `sha256:${stated}, which one public source states for ${entry.file}`);
  if (before?.recorded === true)
    throw unconfirmed(entry, found, `${before.digest}, which was recorded at the first download`);
  return 'recorded';
}

/** Whether one source states the digest, or the first download recorded it. Accepting it adds nothing. */
function isKnown({ sha256, stated }: UrlEntry, found: FoundFile): boolean {
  const { digest, accept, before } = found;
  if (sha256 !== undefined || (typeof accept === 'string' && !isAccepted(found))) return false;
  if (stated !== undefined) return digest === `sha256:${stated}`;
  return before?.recorded === true && before.digest === digest;
}

function withScheme(digest: string): string {
  return `sha256:${digest.replace(/^sha256:/, '').toLowerCase()}`;
}

function isAccepted({ accept, digest }: FoundFile): boolean {
  return accept === true || (typeof accept === 'string' && withScheme(accept) === digest);
}

function pinnedFiles(entry: UrlEntry): { file: string; sha256: string }[] {
  return [entry, ...(entry.alternatives ?? [])].flatMap(({ file, sha256 }) =>
    sha256 === undefined ? [] : [{ file, sha256 }],
  );
}

function refuseOtherModel(entry: UrlEntry, { file, digest }: FoundFile): void {
  const owner = WEIGHTS.find((other) => {
    const stated = other.from === 'url' ? other.stated : undefined;
    return other.name !== entry.name && [other.sha256, stated].some((hex) => digest === `sha256:${hex}`);
  });
  if (owner === undefined) return;
  throw new SamMilError('InvalidInput', `these are the weights of ${owner.name}, not of ${entry.name}`, {
    file,
    next: `run \`npx sam-mil models import ${owner.name} ${file}\``,
  });
}

function unpublished(entry: UrlEntry, { file, digest }: FoundFile): SamMilError {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? {};
  const short = size !== undefined && entry.bytes !== undefined && size < entry.bytes;
  return new SamMilError('InvalidInput', `this is not a published file of ${entry.name}`, {
    file,
    expected: pinnedFiles(entry)
      .map((known) => `sha256:${known.sha256} (${known.file})`)
      .join(' or '),
    found: short ? `${digest} (${size} bytes of ${entry.bytes}, possibly an incomplete copy)` : digest,
    next: `use the file from ${entry.url}; for custom weights of the same architecture, add \`--accept-digest ${digest}\``,
  });
}

function unconfirmed({ name, url }: UrlEntry, { file, digest }: FoundFile, expected: string): SamMilError {
  return new SamMilError('InvalidInput', `this may not be the published file of ${name}`, {
    file,
    expected,
    found: digest,
    next: `compare the digest with the one that the page of ${url} shows; if it is the right file, add \`--accept-digest ${digest}\``,
  });
}

function damaged({ file, digest }: FoundFile, served: string): SamMilError {
  return new SamMilError('InvalidInput', 'the file was damaged on its way', {
    file,
    expected: `sha256:${served}, as the server states`,
    found: digest,
    next: 'run the same command again',
  });
}
