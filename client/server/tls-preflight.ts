import { isIP } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import type { TLSConfig } from '@temporalio/client';
import { faultOfMaterial } from './tls-material.js';

/**
 * A server that requires a client certificate reports this only after the TLS 1.3 handshake has ended on our
 * side.
 */
const ALERT_MILLISECONDS = 500;
const TIMEOUT_MILLISECONDS = 10_000;

/** Tries of a handshake that is cut off. A bad line cuts off some, a server that does not speak TLS all. */
const TRIES = 3;
const CUT_OFF = 'ECONNRESET';

const NO_HTTP2 =
  'the server does not offer HTTP/2 (ALPN h2), which Temporal uses; the address may be that of a web server or proxy';

const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    'the server does not trust the authority that signed the client certificate',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the server requires a client certificate and the profile has none',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is not signed by an authority that the profile names",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is not signed by an authority that the profile names",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the server's certificate is self-signed and the profile does not name it as authority",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the server's certificate is for another name; set server_name in the profile's tls table",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet; check the clocks of both machines",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the server considers the client certificate expired',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: NO_HTTP2,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS on this port',
  [CUT_OFF]: 'the server closed the connection during the handshake; it may not speak TLS on this port',
};

/**
 * Checks the profile's certificates and tries the TLS handshake separately, because Temporal's client reports
 * every refusal as "failed to connect before the deadline". Resolves with the reason, or undefined if the
 * handshake succeeds.
 */
export async function explainTls(address: string, tls: TLSConfig | boolean): Promise<string | undefined> {
  const fault = typeof tls === 'boolean' ? undefined : faultOfMaterial(tls);
  if (fault !== undefined) return fault;
  let reason = await handshake(address, tls);
  for (let tries = 1; tries < TRIES && reason === REASONS[CUT_OFF]; tries++) {
    reason = await handshake(address, tls);
  }
  return reason;
}

function handshake(address: string, tls: TLSConfig | boolean): Promise<string | undefined> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at);
  const options: ConnectionOptions = {
    host,
    port: Number(address.slice(at + 1)),
    // The protocol has server names only for host names, not for IP addresses.
    servername: isIP(host) ? '' : host,
    ALPNProtocols: ['h2'],
    timeout: TIMEOUT_MILLISECONDS,
    ...(typeof tls === 'boolean' ? {} : material(tls)),
  };
  return new Promise((done) => {
    const socket = connect(options);
    const end = (reason?: string) => {
      socket.destroy();
      done(reason);
    };
    socket.on('secureConnect', () => {
      if (socket.alpnProtocol === 'h2') setTimeout(end, ALERT_MILLISECONDS);
      else end(NO_HTTP2);
    });
    socket.on('close', () =>
      end('the server closed the connection; it may not accept the client certificate'),
    );
    socket.on('timeout', () => end(`no TLS answer within ${TIMEOUT_MILLISECONDS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => end(REASONS[error.code ?? ''] ?? error.message));
  });
}

function material(tls: TLSConfig): ConnectionOptions {
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair } = tls;
  return {
    ...(serverNameOverride === undefined ? {} : { servername: serverNameOverride }),
    ca: ca === undefined ? undefined : Buffer.from(ca),
    cert: clientCertPair === undefined ? undefined : Buffer.from(clientCertPair.crt),
    key: clientCertPair === undefined ? undefined : Buffer.from(clientCertPair.key),
  };
}
