import { silentLog } from '../../src/base/log.ts';
import { createKubeClient, type KubeClient, loadKubeconfig } from '../../src/kube/index.ts';

export interface KubeClientOfOptions {
  /** As on the command line: `as`, `as-group`. */
  flags?: Record<string, string | string[]>;
  env?: Record<string, string>;
  userAgent?: string;
}

/** The project's client for whoever a kubeconfig names. The caller closes it. */
export async function kubeClientOf(kubeconfig: string, { flags = {}, env = {}, userAgent }: KubeClientOfOptions = {}): Promise<KubeClient> {
  const { connection } = await loadKubeconfig({ flags: { kubeconfig, ...flags }, env, cwd: process.cwd() });
  return createKubeClient(connection, { log: silentLog, ...(userAgent === undefined ? {} : { userAgent }) });
}
