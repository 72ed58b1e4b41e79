/** The sandbox's API server and controllers in this process, without a node: all that questions need which run no pod. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog } from '../../../src/base/log.ts';
import type { KubeClient } from '../../../src/kube/index.ts';
import { createCertificateAuthority } from '../../../src/sandbox/access/authority.ts';
import { createAccess, MASTERS } from '../../../src/sandbox/access/index.ts';
import { userKubeconfig } from '../../../src/sandbox/access/user-kubeconfig.ts';
import { createAdmission } from '../../../src/sandbox/admission/index.ts';
import { createApiServer } from '../../../src/sandbox/api/index.ts';
import { type ApiServerParts, CLUSTER_USER, StatusError } from '../../../src/sandbox/contract.ts';
import { createContext } from '../../../src/sandbox/controllers/core/context.ts';
import { SERVICES } from '../../../src/sandbox/controllers/core/types.ts';
import { startControllers } from '../../../src/sandbox/controllers/index.ts';
import { firstObjects } from '../../../src/sandbox/first-objects.ts';
import { withServiceAddresses } from '../../../src/sandbox/network/service-addresses.ts';
import { createStreams } from '../../../src/sandbox/streams/index.ts';
import { kubeClientOf } from '../../helpers/kube-client.ts';

export interface SandboxApi {
  kubeconfig: string;
  kube: KubeClient;
  close(): Promise<void>;
}

export async function startSandboxApi(): Promise<SandboxApi> {
  const log = silentLog;
  const ended = new AbortController();
  const authority = await createCertificateAuthority();
  const parts = {} as ApiServerParts;
  const api = createApiServer(parts, { log });
  const client = api.client({ username: CLUSTER_USER, uid: '', groups: [MASTERS], extra: {} });
  const access = await createAccess({ client, log });
  const dial = () => Promise.reject(new StatusError(503, 'ServiceUnavailable', 'there is no node'));
  const nobody = (): never => {
    throw new StatusError(503, 'ServiceUnavailable', 'there is no node');
  };
  const admission = createAdmission({ client, dial, authorizer: access.authorizer, escalation: access.escalation, log });
  const context = createContext({ client, log, signal: ended.signal });
  let started = false;
  Object.assign(parts, {
    authenticator: access.authenticator,
    authorizer: access.authorizer,
    admission: withServiceAddresses(admission, () => (started ? context.cache(SERVICES) : undefined)),
    streams: createStreams({ client, node: { logs: nobody, exec: dial, attach: dial, dialPod: dial, dial } }),
    virtual: access.virtual,
  } satisfies ApiServerParts);
  for (const object of [...firstObjects(), ...access.bootstrapObjects()]) await client.create(object);
  await access.start();
  await admission.start();
  started = true;
  await startControllers(context, { caCertificate: authority.pair.certificate });
  const certificate = await authority.issueServer('kube-apiserver', ['127.0.0.1']);
  const { port } = await api.listen({ ...certificate, clientAuthority: authority.pair.certificate, host: '127.0.0.1', port: 0 });
  const folder = await mkdtemp(path.join(tmpdir(), 'sandbox-api-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, await userKubeconfig(authority, `https://127.0.0.1:${port}`, 'kubernetes-admin', [MASTERS]), { mode: 0o600 });
  const kube = await connect(kubeconfig);
  return {
    kubeconfig,
    kube,
    async close() {
      ended.abort();
      kube.close();
      admission.close();
      access.close();
      await api.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function connect(kubeconfig: string): Promise<KubeClient> {
  const env = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined));
  return kubeClientOf(kubeconfig, { env, userAgent: 'compliance/1' });
}
