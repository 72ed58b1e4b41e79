/**
 * The sandbox's ingress controller: serves the Ingresses of its cluster over HTTP and HTTPS, as the controllers of other small clusters do.
 * An ordinary pod with rights of its own (`src/sandbox/ingress-objects.ts`), so that who needs none has none.
 */
import { hostname } from 'node:os';
import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import { createKubeClient, inClusterConnection, type KubeClient } from '../kube/index.ts';
import { makeDefaultCertificate } from './default-certificate.ts';
import { INGRESS_DRAIN_MS } from './limits.ts';
import { fullName } from './objects.ts';
import { type IngressServer, startIngressServer } from './server.ts';
import { createStatusWriter } from './status.ts';
import { openView, type View } from './view.ts';

export interface IngressOptions {
  kube: Pick<KubeClient, 'createInformer' | 'patch'>;
  /** The controller's own Service, whose address the Ingresses are told. */
  service: { namespace: string; name: string };
  ports: { http: number; https: number };
  host: string;
  log: Log;
}

export interface RunningIngress {
  readonly ports: IngressServer['ports'];
  /** What it knows at the moment. */
  readonly view: View;
  /** Answers what is under way, for {@link INGRESS_DRAIN_MS} at most. */
  close(): Promise<void>;
}

/** Resolves when it serves: before that nobody may be told that there is no rule. */
export async function startIngress({ kube, service, ports, host, log }: IngressOptions): Promise<RunningIngress> {
  const view = openView(kube, log, () => status.look());
  const status = createStatusWriter({ kube, ours: view.ours, service: () => view.service(service), log });
  try {
    const [defaultCertificate] = await Promise.all([makeDefaultCertificate(), view.ready]);
    const server = await startIngressServer({ view, defaultCertificate, ports, host, name: hostname(), log });
    status.look();
    log.info('serving', { ingresses: view.ours().length, service: fullName(service) });
    return {
      ports: server.ports,
      view,
      async close() {
        await server.close(AbortSignal.timeout(INGRESS_DRAIN_MS));
        status.close();
        view.close();
      },
    };
  } catch (error) {
    status.close();
    view.close();
    throw error;
  }
}

function portOf(env: Readonly<Record<string, string | undefined>>, name: string): number {
  const port = Number(env[name]);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new CodedError('TP-CONFIG-INVALID', `${name} is no port: ${env[name] ?? 'it is not set'}.`);
  return port;
}

/** Runs until `signal` is aborted (SIGTERM), then drains. Rejects when it could not start. */
export async function main({ env, log, signal }: { env: Record<string, string | undefined>; log: Log; signal: AbortSignal }): Promise<void> {
  const ports = { http: portOf(env, 'INGRESS_HTTP_PORT'), https: portOf(env, 'INGRESS_HTTPS_PORT') };
  const [namespace = '', name = ''] = (env['INGRESS_SERVICE'] ?? '').split('/');
  const connection = await inClusterConnection({ env });
  const kube = createKubeClient(connection, { log: log.child('kube'), userAgent: `telepresence-sandbox-ingress/${VERSION}` });
  const ingress = await startIngress({ kube, service: { namespace, name }, ports, host: '0.0.0.0', log });
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('draining');
  await ingress.close();
  kube.close();
}
