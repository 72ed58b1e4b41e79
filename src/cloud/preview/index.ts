/**
 * The preview proxy: `https://<label>.<preview domain>` → the cluster's ingress, over the link of its manager, with the header that
 * marks the requests of one intercept. Requests are told from the dashboard's by their Host, before any other code sees them.
 */
import type { IncomingMessage } from 'node:http';
import type { Hono } from 'hono';
import { messageOf } from '../../base/errors.ts';
import { responseFor } from '../../base/response-for.ts';
import { headerList, valuesOf } from '../../http/index.ts';
import { previewAddress } from '../actions.ts';
import type { AnyRequest, AnyResponse, CloudContext, PreviewProxy } from '../context.ts';
import type { CloudEnv } from '../http/environment.ts';
import { clientAddress } from '../http/guard.ts';
import type { Preview } from '../store/index.ts';
import { enter, fromSibling, isNavigation, PREVIEW_ENTER_PATH, toDashboard, viewerOf } from './access.ts';
import { createEnterRoute } from './enter-route.ts';
import { exchange, type Passage } from './exchange.ts';
import { type Explanation, explain } from './explain.ts';
import { type Failure, failures, placeOf } from './failures.ts';
import { cookieHeader } from './headers.ts';
import { mappingOf } from './hosts.ts';
import { IngressAgent } from './ingress-agent.ts';
import { createInterceptStates } from './intercept-state.ts';
import { PREVIEW_REQUESTS } from './limits.ts';
import { createRunning } from './running.ts';
import { upgrade } from './upgrade.ts';
import { createVisits } from './visits.ts';
import { pathOf, send } from './wire.ts';

export function createPreviewProxy(context: Pick<CloudContext, 'config' | 'store' | 'feed' | 'links' | 'metrics' | 'log' | 'now'>): PreviewProxy {
  const { store, log, config, metrics } = context;
  const running = createRunning(context);
  const visits = createVisits(context);
  const states = createInterceptStates(context);
  const agents = new Map<string, IngressAgent>();
  const answers = metrics.counter('preview_answers_total', 'Requests to previews by what became of them');
  metrics.gauge('preview_requests', 'Requests to previews that run now', running.total);
  const previewUrl = (label: string) => previewAddress(config, { label }).url;

  const openerOf = ({ clusterId, ingress }: Preview) => {
    const { host, port, tls, l5host, ca } = ingress;
    const sni = tls ? { sni: l5host.replace(/:\d+$/, '') } : {};
    return () => context.links.openPreviewStream(clusterId, { host, port, tls, ...sni, ...(ca === undefined ? {} : { ca }) });
  };
  const agentOf = (preview: Preview): IngressAgent => {
    const known = agents.get(preview.id);
    if (known !== undefined) return known;
    for (const [id, agent] of agents) if (agent.idle) agents.delete(id);
    const agent = new IngressAgent(openerOf(preview));
    agents.set(preview.id, agent);
    return agent;
  };

  /** Decides about a request: an answer of the cloud's own, or the way to the ingress. */
  const admit = async (req: AnyRequest, label: string): Promise<{ failure: Failure } | { answer: Explanation } | { pass: Omit<Passage, 'fail'> }> => {
    const headers = headerList(req.rawHeaders);
    const method = req.method ?? 'GET';
    const preview = await store.previews.byLabel(label);
    if (preview === undefined) return { failure: failures.unknown() };
    const mapping = mappingOf(preview, previewUrl(label));
    const path = pathOf(req.url ?? '/', mapping);
    if (path === undefined) return { failure: failures.refused('The request names another host than its connection.') };
    if (method === 'TRACE' || method === 'CONNECT') return { failure: failures.method() };
    if (path.split('?')[0] === PREVIEW_ENTER_PATH) {
      const entered = await enter(store, preview, path, headers, mapping);
      return entered === undefined ? { failure: failures.used() } : { answer: entered };
    }
    if (fromSibling(method, headers, mapping, config.preview.domain)) return { failure: failures.sibling() };
    const cookies = cookieHeader(headers);
    const viewer = await viewerOf(store, preview, cookies, config.secure);
    if (viewer === undefined && !preview.public) {
      return isNavigation(method, headers) ? { answer: toDashboard(preview, path, headers, config.url) } : { failure: failures.signIn() };
    }
    if (preview.endedAt !== null || preview.missingSince !== null) return { failure: failures.gone() };
    if (await states.asleep(preview)) return { failure: failures.asleep() };
    if (running.count(label) >= PREVIEW_REQUESTS) return { failure: failures.busy() };
    const address = clientAddress(req.socket.remoteAddress, valuesOf(headers, 'x-forwarded-for').join(', '), config.behindProxy);
    visits.visited(preview, viewer, address, valuesOf(headers, 'user-agent')[0] ?? '');
    return {
      pass: {
        mapping,
        header: preview.header,
        forwardedFor: address,
        path,
        place: placeOf(preview, viewer !== undefined),
        agent: agentOf(preview),
        open: openerOf(preview),
        enter: (abort) => running.add({ preview, cookies, abort }),
      },
    };
  };

  const serve = async (req: AnyRequest, res: AnyResponse, label: string, pass: (passage: Passage) => void | Promise<void>): Promise<void> => {
    const accept = typeof req.headers.accept === 'string' ? req.headers.accept : '';
    const fail = (failure: Failure): void => {
      answers.add({ result: failure.code });
      explain(failure, accept).then(
        (answer) => send(req, res, answer),
        (error: unknown) => log.error('the page that explains failed', { error: messageOf(error) }),
      );
    };
    try {
      const admitted = await admit(req, label);
      if (res.destroyed) return;
      if ('failure' in admitted) return fail(admitted.failure);
      if ('answer' in admitted) return send(req, res, admitted.answer);
      answers.add({ result: 'passed' });
      await pass({ ...admitted.pass, fail });
    } catch (error) {
      log.error('a request of a preview failed', { error: messageOf(error) });
      fail(failures.internal());
    }
  };

  return {
    routes: createEnterRoute(context, previewUrl) as unknown as Hono<CloudEnv>,
    request(req, res, label) {
      res.on('error', (error: Error) => log.debug('a browser left', { error: error.message }));
      void serve(req, res, label, (passage) => exchange(req, res, passage));
    },
    upgrade(req: IncomingMessage, socket, head, label) {
      socket.on('error', (error) => log.debug('a browser left', { error: error.message }));
      const res = responseFor(req, socket);
      void serve(req, res, label, (passage) => upgrade(req, res, socket, head, passage));
    },
    close() {
      running.close();
      for (const agent of agents.values()) agent.destroy();
    },
  };
}
