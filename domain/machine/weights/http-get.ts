import type { Readable } from 'node:stream';
import { Agent, ProxyAgent, request, type Dispatcher } from 'undici';

export interface HttpAnswer {
  status: number;
  /** By lowercase name. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Readable;
  /** Closes the connection, even in the middle of the body. */
  close(): Promise<void>;
}

/**
 * A server that sends nothing for this long is considered dead. The download continues over a new connection.
 */
const SILENCE_MS = 60_000;
const MAX_REDIRECTS = 10;

/**
 * Sends a GET request through the proxy that the environment specifies, and follows redirects (never from
 * https to http). `NODE_EXTRA_CA_CERTS` names the certificates of a proxy that inspects TLS.
 *
 * @throws Error of the network. It is not a SamMilError, because only the caller knows what to advise.
 */
export async function httpGet(url: string, headers: Record<string, string>): Promise<HttpAnswer> {
  let target = new URL(url);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const dispatcher = dispatcherFor(target);
    const close = () => dispatcher.destroy();
    const answer = await get(target, headers, dispatcher).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    // Readers of the body get its errors. Errors after the last read are ignored.
    answer.body.on('error', () => undefined);
    const location = answer.headers.location;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || typeof location !== 'string')
      return { status: answer.statusCode, headers: answer.headers, body: answer.body, close };
    await close();
    const next = new URL(location, target);
    if (target.protocol === 'https:' && next.protocol !== 'https:')
      throw new Error(`the server redirects from https to ${next.origin}`);
    target = next;
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

function get(target: URL, headers: Record<string, string>, dispatcher: Dispatcher) {
  if (!['http:', 'https:'].includes(target.protocol)) throw new Error(`${target.protocol} is not supported`);
  // A compressed response cannot be resumed at a byte offset.
  const all = { 'accept-encoding': 'identity', 'user-agent': 'sam-mil', ...headers };
  return request(target, { dispatcher, headers: all });
}

function dispatcherFor(target: URL): Dispatcher {
  const options = { headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS, connect: { timeout: 30_000 } };
  const proxy = proxyFor(target);
  return proxy === undefined ? new Agent(options) : new ProxyAgent({ uri: proxy, ...options });
}

/**
 * Selects the proxy for a URL by the rules of curl: `https_proxy` or `http_proxy` by the URL's scheme, else
 * `all_proxy`. `no_proxy` lists hosts that are reached directly, including their subdomains. Lowercase names
 * take precedence over uppercase ones.
 */
export function proxyFor(target: URL, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const variable = (name: string) => environment[name] || environment[name.toUpperCase()] || undefined;
  const proxy = variable(`${target.protocol.slice(0, -1)}_proxy`) ?? variable('all_proxy');
  const direct = (variable('no_proxy') ?? '').split(/[\s,]+/).some((entry) => isListed(target, entry));
  if (proxy === undefined || direct) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isListed(target: URL, entry: string): boolean {
  if (entry === '*') return true;
  const [, host = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  const actual = target.port || (target.protocol === 'https:' ? '443' : '80');
  if (host === '' || (port !== undefined && port !== actual)) return false;
  return target.hostname === host || target.hostname.endsWith(`.${host}`);
}
