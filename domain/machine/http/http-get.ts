import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { proxyFor } from './proxy.js';

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpAnswer {
  status: number;
  /** The URL that answered, after redirects. It may contain a password. */
  url: URL;
  /** By lowercase name. */
  headers: HttpHeaders;
  /** Those of the server that was asked, which may have redirected to another. */
  firstHeaders: HttpHeaders;
  body: AsyncIterable<Uint8Array>;
  /** Closes the connection, even in the middle of the body. */
  close(): void;
}

export interface HttpOptions {
  /** Must contain no secret: it follows redirects to other hosts. */
  headers?: Readonly<Record<string, string>>;
  /** Value of the header `Authorization`. It is sent to the origin of the URL only. */
  authorization?: string;
  /** Milliseconds without a byte after which the server counts as dead. Default: a minute. */
  silence?: number;
}

const SILENCE_MS = 60_000;
const MAX_REDIRECTS = 10;

/**
 * Sends a GET request through the proxy that the environment specifies, and follows redirects (never from
 * https to http). A user and password in the URL, and `authorization`, are sent to its own origin only.
 * `NODE_EXTRA_CA_CERTS` names the certificates of a proxy that inspects TLS.
 *
 * Node's HTTP client is used instead of its fetch, which ends the process if a server closes the connection
 * while the body is not being read.
 *
 * @throws Error of the network. It is not a SamMilError, because only the caller knows what to advise.
 */
export async function httpGet(url: string | URL, options: HttpOptions = {}): Promise<HttpAnswer> {
  let target = new URL(url);
  const { origin } = target;
  let firstHeaders: HttpHeaders | undefined;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await get(target, target.origin === origin ? options : withoutSecret(options));
    const { statusCode = 0, headers } = response;
    firstHeaders ??= headers;
    const { location } = headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) {
      const close = () => void response.destroy();
      return { status: statusCode, url: target, headers, firstHeaders, body: response, close };
    }
    response.destroy();
    target = nextTarget(target, location);
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

function withoutSecret({ headers, silence }: HttpOptions): HttpOptions {
  return { headers, silence };
}

/** Whether an error of the network means that the server was reached and the connection was then lost. */
export function isLostConnection(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', SILENT].includes(code) || code.startsWith('HPE_');
}

function nextTarget(target: URL, location: string): URL {
  const next = new URL(location, target);
  if (target.protocol === 'https:' && next.protocol !== 'https:')
    throw new Error(`the server redirects from https to ${next.origin}`);
  if (next.origin === target.origin && next.username === '')
    [next.username, next.password] = [target.username, target.password];
  return next;
}

const SILENT = 'SILENT';

async function get(
  target: URL,
  { headers, authorization, silence = SILENCE_MS }: HttpOptions,
): Promise<IncomingMessage> {
  if (!['http:', 'https:'].includes(target.protocol)) throw new Error(`${target.protocol} is not supported`);
  const proxy = proxyFor(target);
  const tunnel = proxy === undefined ? undefined : await openTunnel(target, new URL(proxy), silence);
  return send(target, silence, {
    // A compressed response cannot be resumed at a byte offset.
    headers: {
      'accept-encoding': 'identity',
      'user-agent': 'sam-mil',
      ...headers,
      ...(authorization !== undefined && { authorization }),
    },
    ...(tunnel === undefined ? { agent: false } : { createConnection: () => secured(tunnel, target) }),
  });
}

function send(target: URL, silence: number, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = startRequest(target, options);
    let response: IncomingMessage | undefined;
    request.on('response', (message) => {
      response = message;
      // Readers of the body get its errors. Errors after the last read are ignored.
      message.on('error', () => undefined);
      resolve(message);
    });
    // Stays for errors after the response: without a listener they would end the process.
    request.on('error', reject);
    onSilence(request, silence, (error) => (response ?? request).destroy(error));
    request.end();
  });
}

function startRequest(target: URL, options: RequestOptions) {
  return (target.protocol === 'https:' ? requestHttps : requestHttp)(target, options);
}

function onSilence(
  request: ReturnType<typeof requestHttp>,
  milliseconds: number,
  act: (error: Error) => void,
): void {
  const error = Object.assign(new Error(`the server sent nothing for ${milliseconds / 1000} s`), {
    code: SILENT,
  });
  // Set on the socket, because the request's own timeout starts only after the connection is made.
  request.on('socket', (socket: Socket) => socket.setTimeout(milliseconds, () => act(error)));
}

/** Opens a connection to the target's host through the proxy, for http as well as https. */
function openTunnel(target: URL, proxy: URL, silence: number): Promise<Socket> {
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  const path = `${target.hostname}:${port}`;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const credentials =
    proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const headers = { host: path, ...credentials };
    const request = startRequest(proxy, { method: 'CONNECT', path, headers, agent: false, auth: null });
    request.on('connect', (response, socket: Socket) => {
      socket.setTimeout(0);
      // Until the request that uses the socket listens.
      socket.on('error', () => undefined);
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} responded with HTTP status ${response.statusCode}`));
    });
    request.on('error', reject);
    onSilence(request, silence, (error) => request.destroy(error));
    request.end();
  });
}

function secured(socket: Socket, target: URL): Socket {
  if (target.protocol !== 'https:') return socket;
  const host = target.hostname;
  return connectTls({ socket, host, servername: isIP(host) === 0 ? host : undefined });
}
