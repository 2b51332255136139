import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { TLSConfig } from '@temporalio/client';

/**
 * Says what is wrong with the certificates and the key of a profile, before they are used: the TLS libraries
 * report it as "no start line" or "unsupported". Returns undefined if nothing is.
 */
export function faultOfMaterial(tls: TLSConfig, now = new Date()): string | undefined {
  const { serverRootCACertificate: authority, clientCertPair } = tls;
  if (authority !== undefined && parseCertificate(authority) === undefined)
    return `the file named as certificate of the authority (server_ca_cert_path) ${whatItHolds(authority)}`;
  return clientCertPair === undefined ? undefined : faultOfPair(clientCertPair, now);
}

function faultOfPair({ crt, key }: { crt: Uint8Array; key: Uint8Array }, now: Date): string | undefined {
  const certificate = parseCertificate(crt);
  if (certificate === undefined)
    return `the file named as client certificate (client_cert_path) ${whatItHolds(crt)}`;
  const parsed = parseKey(key);
  if (parsed === undefined) return `the file named as client key (client_key_path) ${whatItHolds(key)}`;
  if (!certificate.checkPrivateKey(parsed))
    return 'the client key does not fit the client certificate: client_cert_path and client_key_path name files of different pairs';
  if (now < new Date(certificate.validFrom))
    return `the client certificate is not valid before ${certificate.validFrom}; check the clock of this machine`;
  if (now > new Date(certificate.validTo)) return `the client certificate expired on ${certificate.validTo}`;
  return undefined;
}

function parseCertificate(pem: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function parseKey(pem: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    return undefined;
  }
}

function whatItHolds(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text))
    return 'holds a key that is encrypted with a passphrase; Temporal needs it decrypted';
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'holds a private key; the files may be swapped';
  if (text.includes('-----BEGIN CERTIFICATE-----'))
    return 'holds a certificate, or a damaged one; the files may be swapped';
  return 'is not in PEM format';
}
