/** Which certificate a TLS client gets, by the name that it asks for. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { fullName, type Ingress, type TlsSecret } from './objects.ts';
import { Hosts } from './routes.ts';

export interface Certificates {
  /** Undefined: the default certificate. */
  find(serverName: string): SecureContext | undefined;
}

/** A Secret's certificate, ready for use. It is made once for each change of the Secret, when the first client asks for it. */
type Loaded = WeakMap<TlsSecret, SecureContext | 'unusable'>;

export interface CertificateSources {
  ingresses: readonly Ingress[];
  secret(namespace: string, name: string): TlsSecret | undefined;
  loaded: Loaded;
  log: Log;
}

/** Of an entry that names no hosts, the names that are in its certificate count. */
export function buildCertificates({ ingresses, secret, loaded, log }: CertificateSources): Certificates {
  const byHost = new Hosts<TlsSecret>();
  for (const { metadata, spec } of ingresses) {
    for (const { hosts = [], secretName } of spec?.tls ?? []) {
      if (secretName === undefined || secretName === '') continue;
      const found = secret(metadata.namespace, secretName);
      if (found === undefined) {
        log.warn('an Ingress names a Secret that is not there or is not of type kubernetes.io/tls', { ingress: fullName(metadata), secret: secretName });
        continue;
      }
      for (const host of hosts.length > 0 ? hosts : namesIn(found, log)) byHost.at(host, () => found);
    }
  }
  function load(one: TlsSecret): SecureContext | undefined {
    let context = loaded.get(one);
    if (context === undefined) {
      context = contextOf(one, log);
      loaded.set(one, context);
    }
    return context === 'unusable' ? undefined : context;
  }
  return {
    find(serverName) {
      const one = byHost.matching(serverName.toLowerCase()).next().value;
      return one === undefined ? undefined : load(one);
    },
  };
}

const pem = ({ data }: TlsSecret, key: string): Buffer => Buffer.from(data?.[key] ?? '', 'base64');

function contextOf(one: TlsSecret, log: Log): SecureContext | 'unusable' {
  try {
    return createSecureContext({ cert: pem(one, 'tls.crt'), key: pem(one, 'tls.key'), minVersion: 'TLSv1.2' });
  } catch (error) {
    log.warn('a Secret holds no usable certificate', { secret: fullName(one.metadata), reason: messageOf(error) });
    return 'unusable';
  }
}

function namesIn(one: TlsSecret, log: Log): string[] {
  try {
    const { subjectAltName = '' } = new X509Certificate(pem(one, 'tls.crt'));
    return subjectAltName.split(', ').flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice('DNS:'.length)] : []));
  } catch (error) {
    log.warn('a Secret holds no usable certificate', { secret: fullName(one.metadata), reason: messageOf(error) });
    return [];
  }
}
