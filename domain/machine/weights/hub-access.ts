import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { HUB } from './hub-file.js';
import type { UrlEntry } from './weights-entry.js';

/** A token of the Hugging Face hub. It must appear in no message, log or record. */
export interface HubToken {
  token: string;
  /** Where it was found: a variable or a file. */
  from: string;
}

/** Where to create a token. */
const TOKENS_PAGE = `${HUB}/settings/tokens`;

/**
 * Returns the address of an entry's file: its own, or for a file on the Hugging Face hub, the same file at
 * `HF_ENDPOINT`.
 * @throws SamMilError InvalidInput if `HF_ENDPOINT` is not an address
 */
export function addressOnHub(entry: UrlEntry, environment: NodeJS.ProcessEnv = process.env): string {
  const { HF_ENDPOINT: endpoint } = environment;
  if (entry.hub === undefined || !endpoint) return entry.url;
  if (URL.canParse(endpoint) && ['http:', 'https:'].includes(new URL(endpoint).protocol))
    return entry.url.replace(HUB, endpoint.replace(/\/+$/, ''));
  // Not quoted, because it may contain a password.
  throw new SamMilError('InvalidInput', 'HF_ENDPOINT is not an address', {
    expected: `an address such as ${HUB}`,
    next: 'correct or unset HF_ENDPOINT',
  });
}

/**
 * Returns the token for a request, if there is one and the request may have it: it goes to the hub, or to the
 * endpoint that replaces it, over https or within this machine.
 */
export function tokenFor(url: string, environment: NodeJS.ProcessEnv = process.env): HubToken | undefined {
  return mayHaveToken(new URL(url), environment) ? findToken(environment) : undefined;
}

/** Whether a token exists that {@link tokenFor} withholds from a request. */
export function isTokenWithheld(url: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  return !mayHaveToken(new URL(url), environment) && findToken(environment) !== undefined;
}

function mayHaveToken(target: URL, { HF_ENDPOINT: endpoint }: NodeJS.ProcessEnv): boolean {
  const hub = new URL(endpoint && URL.canParse(endpoint) ? endpoint : HUB);
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(target.hostname);
  return target.origin === hub.origin && (target.protocol === 'https:' || local);
}

/** Looks where huggingface_hub looks. */
function findToken(environment: NodeJS.ProcessEnv): HubToken | undefined {
  const named = environment.HF_TOKEN?.trim();
  if (named) return checked({ token: named, from: 'HF_TOKEN' });
  const path = environment.HF_TOKEN_PATH || join(hubFolder(environment), 'token');
  if (!existsSync(path)) return undefined;
  const stored = readFileSync(path, 'utf8').trim();
  return stored === '' ? undefined : checked({ token: stored, from: path });
}

function hubFolder({ HF_HOME, XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string {
  return HF_HOME || join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'huggingface');
}

/** Node would refuse the header later, without naming its origin. */
function checked(token: HubToken): HubToken {
  if (/^[\x21-\x7e]+$/.test(token.token)) return token;
  throw new SamMilError('InvalidInput', 'the Hugging Face token contains characters that no token has', {
    file: token.from,
    next: `store only the token there, as ${TOKENS_PAGE} shows it`,
  });
}

/**
 * Explains why the hub refused a file, or returns undefined if the status alone says enough.
 * @param status of the answer, and its `x-error-code`
 */
export function explainRefusal(
  entry: UrlEntry,
  url: string,
  { status, code }: { status: number; code: string },
): SamMilError | undefined {
  const page = entry.hub && `${HUB}/${entry.hub.name}`;
  if (page === undefined || ![401, 403].includes(status)) return undefined;
  const { name, file } = entry;
  const again = `then run \`npx sam-mil models fetch ${name}\`; or download ${file} in a browser and run \`npx sam-mil models import ${name} ${file}\``;
  const token = tokenFor(url);
  if (status === 401) {
    const wrong = `the server does not accept the token from ${token?.from}`;
    const none = isTokenWithheld(url)
      ? 'a token, which is sent only over https and only to the hub or HF_ENDPOINT'
      : 'no token in HF_TOKEN, HF_TOKEN_PATH or the token file of the hub';
    return new SamMilError('Unavailable', `${entry.hub?.name} requires a Hugging Face token`, {
      file: page,
      expected: 'a token with read access',
      found: token === undefined ? none : wrong,
      next: `create a token at ${TOKENS_PAGE}, set HF_TOKEN to it${entry.gated ? `, accept the terms at ${page}` : ''}; ${again}`,
    });
  }
  const gated = entry.gated === true || code === 'GatedRepo';
  return new SamMilError('Unavailable', `the account of this token has no access to ${entry.hub?.name}`, {
    file: page,
    expected: gated ? 'an account that was granted access' : 'a token that may read this repository',
    found: `HTTP status 403 for the token from ${token?.from ?? 'nowhere'}`,
    next: `open ${page} with the account of the token and accept the terms (some publishers confirm each request), and check that the token may read gated repositories; ${again}`,
  });
}
