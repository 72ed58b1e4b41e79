/**
 * TLS of the manager's three ports: a CA that all replicas share (a Secret), and a leaf that each replica mints in memory
 * and renews before its end. The leaf's key never leaves the process.
 */
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { AGENTS_SERVICE, INJECTOR_SERVICE, MANAGER_NAME } from '../../protocol/resources.ts';
import type { ManagerTls } from '../context.ts';
import { type KeyPairPem, LEAF_LIFETIME_MS, mintLeaf } from './certificates.ts';

export { loadCa } from './ca-secret.ts';

/** Longest common name (RFC 5280, ub-common-name). */
const COMMON_NAME_LIMIT = 64;
/** How often a leaf is looked at: a new one is minted when two thirds of its life are over. */
export const LEAF_CHECK_MS = 3_600_000;

/** The names and addresses in the leaf. */
export function leafHosts(namespace: string, podIP: string): string[] {
  const services = [MANAGER_NAME, AGENTS_SERVICE, INJECTOR_SERVICE];
  return [...services.flatMap((service) => [`${service}.${namespace}.svc`, `${service}.${namespace}`]), podIP];
}

/** Mints the first leaf and keeps it fresh until closed. */
export async function createManagerTls(options: {
  ca: KeyPairPem;
  namespace: string;
  podIP: string;
  log: Log;
  now?: () => number;
  checkMs?: number;
}): Promise<ManagerTls> {
  const now = options.now ?? Date.now;
  const listeners = new Set<() => void>();
  const mint = () =>
    mintLeaf({ ca: options.ca, name: `${MANAGER_NAME}.${options.namespace}.svc`, hosts: leafHosts(options.namespace, options.podIP), now: now() });
  let leaf = await mint();
  const contextOf = () => createSecureContext({ cert: leaf.certificate, key: leaf.key, minVersion: 'TLSv1.2' });
  let secureContext = contextOf();

  const renew = async () => {
    if (leaf.notAfter - now() > LEAF_LIFETIME_MS / 3) return;
    leaf = await mint();
    secureContext = contextOf();
    options.log.info('renewed the certificate', { until: new Date(leaf.notAfter).toISOString() });
    for (const listener of listeners) listener();
  };
  const timer = setInterval(() => {
    renew().catch((error: unknown) => options.log.error('the certificate could not be renewed', { error: messageOf(error) }));
  }, options.checkMs ?? LEAF_CHECK_MS);
  timer.unref();

  return {
    caCertificate: options.ca.certificate,
    secureContext: () => secureContext,
    leaf: () => ({ certificate: leaf.certificate, key: leaf.key }),
    async agentLeaf(host) {
      const { certificate, key } = await mintLeaf({ ca: options.ca, name: host.slice(0, COMMON_NAME_LIMIT), hosts: [host], now: now() });
      return { certificate, key };
    },
    onRenew(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
}
