/** The certificates that a sandbox starts with. They are made outside of it, while it loads what it is made of: what makes them is much to load. */
import { type CertificateAuthority, type CertificatePair, createCertificateAuthority } from './access/authority.ts';
import { SANDBOX_NETWORK } from './contract.ts';

export interface Certificates {
  authority: CertificatePair;
  /** The API server's. */
  server: CertificatePair;
}

const NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost'];

/** @param kept the authority of a state on disk */
export async function makeCertificates(kept?: CertificatePair): Promise<{ authority: CertificateAuthority; certificates: Certificates }> {
  const authority = await createCertificateAuthority(kept);
  const server = await authority.issueServer('kube-apiserver', [...NAMES, '127.0.0.1', SANDBOX_NETWORK.node, SANDBOX_NETWORK.kubernetesService]);
  return { authority, certificates: { authority: authority.pair, server } };
}
