/**
 * A whole cluster in one process, inside namespaces that end with it: the API server, its controllers, its nodes.
 * `launch/` makes the namespaces and talks to it from outside.
 */
import { openSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeObject } from '../kube/index.ts';
import { createAccess, MASTERS } from './access/index.ts';
import { createAdmission } from './admission/index.ts';
import { type Audit, createApiServer } from './api/index.ts';
import { createBinding } from './binding.ts';
import type { Certificates } from './certificates.ts';
import { type ApiServerParts, CLUSTER_USER, type ClusterClient, type NodeStreams, SANDBOX_NETWORK, StatusError } from './contract.ts';
import type { Cache } from './controllers/core/cache.ts';
import { createContext } from './controllers/core/context.ts';
import { ENDPOINT_SLICES, NAMESPACES, SERVICES, type Service } from './controllers/core/types.ts';
import { startControllers } from './controllers/index.ts';
import { firstObjects } from './first-objects.ts';
import { machineImage } from './images/machine-image.ts';
import { createImageStore } from './images/store.ts';
import { objectsFile, readKeys, writeKeys } from './kept-state.ts';
import { createClusterNetwork, DNS_ENDPOINT, type Workstation } from './network/cluster-network.ts';
import { startResolvers } from './network/dns/server.ts';
import { createClusterZone } from './network/dns/zone.ts';
import { withServiceAddresses } from './network/service-addresses.ts';
import { startServiceProxy } from './network/service-proxy.ts';
import { podAfterRestart } from './node/after-restart.ts';
import { nodeIdentities } from './node/identities.ts';
import { startNode } from './node/index.ts';
import { loadLibc } from './node/runtime/libc.ts';
import type { Spawner } from './node/runtime/spawner.ts';
import { createStreams } from './streams/index.ts';

export interface SandboxOptions {
  log: Log;
  /** What stays when it ends: images. */
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  spawner: Promise<Spawner>;
  certificates: Promise<Certificates>;
  signal: AbortSignal;
  /** A file to which each request that comes over a socket is written, as a line of JSON. */
  audit?: string;
  /** A folder in which its objects and keys are kept, and from which it goes on. */
  state?: string;
  /** How many; default one. */
  nodes?: number;
}

export interface Sandbox {
  /** @param server where that user will ask. */
  kubeconfig(server: string, user: string, groups: string[]): Promise<string>;
  workstation(name: string): Workstation;
  forgetWorkstation(name: string): boolean;
  plug(name: string, connected: boolean): boolean;
  /** Gives it an ingress controller. */
  serveIngresses(): Promise<void>;
  close(): Promise<void>;
}

/** Of the sandbox's mount namespace: a file system in memory, over a folder that every machine has. */
const MEMORY = '/run/telepresence-sandbox';

export async function startSandbox({
  log,
  folder,
  env,
  spawner: startingSpawner,
  certificates: coming,
  signal,
  audit,
  state,
  nodes: count = 1,
}: SandboxOptions): Promise<Sandbox> {
  const libc = loadLibc();
  if (libc.mount('tmpfs', '/run', 'tmpfs', 0, 'mode=755') < 0)
    throw new CodedError('TP-SANDBOX-START', `The sandbox has no file system of its own: errno ${libc.errno()}.`);
  await mkdir(MEMORY, { recursive: true });
  const keys = state === undefined ? undefined : await readKeys(state);
  const nodes = nodeIdentities(count);
  const network = createClusterNetwork(libc, nodes);

  // Each part needs the others' promises: the API looks at its parts with each request.
  const user = { username: CLUSTER_USER, uid: '', groups: [MASTERS], extra: {} };
  const parts = {} as ApiServerParts;
  let streams: NodeStreams | undefined;
  const node: NodeStreams = lateStreams(() => streams);
  let services: Cache<Service> | undefined;
  const documents: Record<string, unknown> = {};
  const api = createApiServer(parts, {
    log: log.child('api'),
    documents,
    ...(audit === undefined ? {} : { audit: auditFile(audit) }),
    ...(state === undefined
      ? {}
      : { kept: { file: objectsFile(state), revive: (collection, object) => (collection === 'pods' ? podAfterRestart(object) : object) } }),
  });
  const client = api.client(user);
  const access = await createAccess({ client, log: log.child('access'), tokenKey: keys?.tokenKey });
  const admission = createAdmission({ client, dial: node.dial, authorizer: access.authorizer, escalation: access.escalation, log: log.child('admission') });
  Object.assign(documents, access.discovery);
  Object.assign(parts, {
    authenticator: access.authenticator,
    authorizer: access.authorizer,
    admission: withServiceAddresses(admission, () => services),
    streams: createStreams({ client, node }),
    virtual: { ...access.virtual, 'v1/pods/binding': createBinding(client) },
  } satisfies ApiServerParts);
  api.resume();

  for (const object of [...firstObjects(), ...access.bootstrapObjects()]) await createIfMissing(client, object);
  await access.start();
  await admission.start();
  const [certificates, spawner] = await Promise.all([coming, startingSpawner]);
  const { certificate: caCertificate } = certificates.authority;
  if (state !== undefined && keys === undefined) await writeKeys(state, { authority: certificates.authority, tokenKey: access.tokens.key });
  await api.listen({ ...certificates.server, clientAuthority: caCertificate, host: SANDBOX_NETWORK.node, port: SANDBOX_NETWORK.apiPort });

  const context = createContext({ client, log: log.child('controllers'), signal });
  services = context.cache(SERVICES);
  await startControllers(context, { caCertificate });
  const known = context.cache(NAMESPACES);
  const zone = createClusterZone(services, context.cache(ENDPOINT_SLICES), { has: (name) => known.get('', name) !== undefined });
  const namespaces = new Map(nodes.map(({ name }) => [name, network.node(name).namespace]));
  await Promise.all([startResolvers(log.child('dns'), zone, DNS_ENDPOINT), startServiceProxy(context, namespaces)]);
  const running = await startNode({
    ...context,
    log: log.child('node'),
    libc,
    spawner,
    network,
    images: createImageStore(join(folder, 'images')),
    machine: machineImage(env),
    folder: MEMORY,
    nodes,
    caCertificate,
  });
  streams = running.streams;
  await relay(log, join(folder, 'api.sock'));
  return {
    async kubeconfig(server, name, groups) {
      // few ask: what it takes is not loaded before the first does
      const [{ createCertificateAuthority }, { userKubeconfig }] = await Promise.all([import('./access/authority.ts'), import('./access/user-kubeconfig.ts')]);
      return userKubeconfig(await createCertificateAuthority(certificates.authority), server, name, groups);
    },
    workstation: (name) => network.workstation(name),
    forgetWorkstation: (name) => network.forgetWorkstation(name),
    plug: (name, connected) => network.plug(name, connected),
    async serveIngresses() {
      const { ingressObjects } = await import('./ingress-objects.ts');
      for (const object of ingressObjects()) await client.apply(object, { fieldManager: 'telepresence-sandbox', force: true });
    },
    async close() {
      await running.close();
      spawner.close();
      await api.close();
    },
  };
}

/** Written in the turn of the request: whoever has an answer finds its line. */
function auditFile(path: string): Audit {
  const file = openSync(path, 'a', 0o600);
  return (call) => {
    writeSync(file, `${JSON.stringify(call)}\n`);
  };
}

/** Until the node is there, nobody can reach a pod. */
function lateStreams(now: () => NodeStreams | undefined): NodeStreams {
  const there = (): NodeStreams => {
    const streams = now();
    if (streams === undefined) throw new StatusError(503, 'ServiceUnavailable', 'the node is not ready yet');
    return streams;
  };
  return {
    logs: (...args) => there().logs(...args),
    exec: async (...args) => there().exec(...args),
    attach: async (...args) => there().attach(...args),
    dialPod: async (...args) => there().dialPod(...args),
    dial: async (...args) => there().dial(...args),
  };
}

async function createIfMissing(client: ClusterClient, object: KubeObject): Promise<void> {
  try {
    await client.create(object);
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'TP-KUBE-CONFLICT')) throw error;
  }
}

/** The API for the machine outside: a socket in the file system crosses the network namespace, and the bytes are TLS to its end. */
function relay(log: Log, path: string): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (outer) => {
    const inner = connect({ host: SANDBOX_NETWORK.node, port: SANDBOX_NETWORK.apiPort, allowHalfOpen: true });
    const ended = (error: unknown): void => {
      if (error !== null && error !== undefined) log.debug('a relayed connection broke', { error });
    };
    pipeline(outer, inner, ended);
    pipeline(inner, outer, ended);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}
