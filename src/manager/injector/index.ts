/**
 * The injector: the admission webhook that adds the traffic-agent to new pods whose template carries the leader's annotation.
 * `inject.ts` decides (pure), `review.ts` speaks AdmissionReview, this file listens. It fails open in every case: an answer is always
 * `allowed`, and no answer is as good (`failurePolicy: Ignore`).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { json } from 'node:stream/consumers';
import { messageOf } from '../../base/errors.ts';
import { AGENTS_SERVICE, INJECT_PATH } from '../../protocol/resources.ts';
import type { ManagerContext, Part } from '../context.ts';
import { type Injection, injectAgent, wantsAgent } from './inject.ts';
import { REVIEW_BODY_LIMIT } from './limits.ts';
import { createNamespaceFacts, type NamespaceFacts } from './namespace-facts.ts';
import { agentResources, withOwn } from './resources.ts';
import { answerReview, readReview } from './review.ts';
import type { SidecarSettings } from './sidecar.ts';

export { readAgentConfig } from './inject.ts';
export { refusesNetAdmin } from './namespace-facts.ts';

type Dependencies = Pick<ManagerContext, 'kube' | 'log' | 'namespace' | 'agentImage' | 'agentPullPolicy' | 'tls' | 'ports' | 'settings' | 'metrics' | 'peers'>;

/** The answer to one review; never rejects. */
export type Reviewer = (body: unknown) => Promise<unknown>;

export function createReviewer(
  context: Dependencies,
  options: { facts: (namespace: string) => Promise<NamespaceFacts>; nativeSidecars: () => Promise<boolean> },
): Reviewer {
  const log = context.log.child('injector');
  const injected = context.metrics.counter('injected_pods_total', 'Pods that the injector gave an agent.');
  const skipped = context.metrics.counter('skipped_pods_total', 'Pods that asked for an agent and got none.');
  return async (body) => {
    const review = readReview(body);
    if (review === undefined) return undefined;
    let injection: Injection = { skipped: undefined };
    if (review.pod !== undefined && wantsAgent(review.pod.metadata?.annotations)) {
      try {
        if (context.agentImage === undefined) throw new Error('the manager was started without the name of an image for agents');
        const facts = await options.facts(review.namespace);
        const { agent } = context.settings;
        const computed = agentResources(facts.limitRanges, facts.quotas);
        const settings: SidecarSettings = {
          image: context.agentImage,
          pullPolicy: context.agentPullPolicy,
          managerHost: `${AGENTS_SERVICE}.${context.namespace}`,
          managerPort: context.ports.agents,
          managerAddresses: context.peers.list().flatMap(({ address, ready }) => (ready === false ? [] : [address])),
          ca: context.tls.caCertificate,
          logLevel: agent.logLevel,
          nativeSidecars: await options.nativeSidecars(),
          resources: withOwn(computed, agent.resources),
          initResources: withOwn(computed, agent.initResources),
          securityContext: agent.securityContext,
          initSecurityContext: agent.initSecurityContext,
        };
        injection = injectAgent(review.pod, {
          ...settings,
          managerNamespace: context.namespace,
          pullSecrets: agent.pullSecrets,
          meshed: facts.meshed,
          netAdminRefused: facts.netAdminRefused,
        });
      } catch (error) {
        log.error('a pod starts without an agent', { namespace: review.namespace, error });
        injection = { skipped: messageOf(error) };
      }
      if (injection.pod !== undefined) injected.add();
      else if (injection.skipped !== undefined) {
        skipped.add();
        log.warn('a pod starts without an agent', {
          namespace: review.namespace,
          pod: review.pod.metadata?.generateName ?? review.pod.metadata?.name,
          reason: injection.skipped,
        });
      }
    }
    return answerReview(review, injection);
  };
}

/** Whether the API server knows native sidecars: on by default since 1.29. Asked until it was answered once. */
export function createNativeSidecars(context: Pick<ManagerContext, 'kube'>): () => Promise<boolean> {
  let known: boolean | undefined;
  return async () => {
    if (known === undefined) {
      const { major, minor } = await context.kube.get<{ major: string; minor: string }>('/version');
      known = Number(major) > 1 || Number.parseInt(minor, 10) >= 29;
    }
    return known;
  };
}

/** Listens for reviews. */
export async function startInjector(context: Dependencies, options: { nativeSidecars?: () => Promise<boolean> } = {}): Promise<Part & { port: number }> {
  const log = context.log.child('injector');
  const review = createReviewer(context, {
    facts: createNamespaceFacts(context.kube, log),
    nativeSidecars: options.nativeSidecars ?? createNativeSidecars(context),
  });
  const leaf = () => {
    const { certificate, key } = context.tls.leaf();
    return { cert: certificate, key };
  };
  const server = createServer(leaf(), (request, response) => {
    response.on('error', (error) => log.debug('an answer could not be written', { error }));
    serve(request, response, review).catch((error: unknown) => {
      log.warn('a review could not be answered', { error });
      if (!response.headersSent) response.writeHead(400).end();
    });
  });
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));
  const stopRenewing = context.tls.onRenew(() => server.setSecureContext(leaf()));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(context.ports.webhook, resolve);
  });
  server.on('error', (error) => log.error('the webhook port failed', { error }));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : context.ports.webhook,
    close: () =>
      new Promise((resolve) => {
        stopRenewing();
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, review: Reviewer): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  if (request.method !== 'POST' || path !== INJECT_PATH) {
    response.writeHead(404).end();
    return;
  }
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) > REVIEW_BODY_LIMIT) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const answer = await review(await json(request));
  if (answer === undefined) response.writeHead(400).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}
