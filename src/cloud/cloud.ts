import type { Hono } from 'hono';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { createActions } from './actions.ts';
import type { CloudConfig } from './config.ts';
import type { CloudContext, PreviewProxy } from './context.ts';
import { openDatabase } from './database/index.ts';
import { createFeed } from './feed.ts';
import { createApp } from './http/app.ts';
import type { CloudEnv } from './http/environment.ts';
import { startMetricsServer, startServer } from './http/server.ts';
import { SHUTDOWN_MS, SWEEP_EVERY_MS } from './limits.ts';
import { Registry } from './link/registry.ts';
import { createLinkUpgrade } from './link/upgrade.ts';
import { createMetrics } from './metrics.ts';
import type { Pages } from './pages.ts';
import { createRateLimits } from './rate-limits.ts';
import { startReplicas } from './replicas/index.ts';
import { newId } from './secrets.ts';
import { firstAdministratorLink } from './sign-in/invitations.ts';
import { createStore, type Store } from './store/index.ts';

export interface CloudOptions {
  config: CloudConfig;
  log: Log;
  pages: Pages;
  /** The parts that are made of the context: the dashboard's routes, and what serves previews. */
  dashboard: (context: CloudContext) => Hono<CloudEnv>;
  preview: (context: CloudContext) => PreviewProxy;
  now?: () => number;
}

export interface RunningCloud {
  readonly port: number;
  readonly metricsPort: number | undefined;
  /** A one-time link, while nobody has an account. */
  readonly firstAdministrator: string | undefined;
  readonly store: Store;
  readonly context: CloudContext;
  close(): Promise<void>;
}

/** Starts everything in order; what was started is ended again when a later part fails. */
export async function startCloud(options: CloudOptions): Promise<RunningCloud> {
  const { config, log, pages } = options;
  const now = options.now ?? Date.now;
  await using stack = new AsyncDisposableStack();
  const database = await openDatabase(config.database, { log });
  stack.defer(() => database.close());
  const store = createStore({ db: database.db, now });
  const metrics = createMetrics();
  const replicaId = newId();
  const replicas = await startReplicas({ config, database, log: log.child('replicas') });
  stack.defer(() => replicas.close());
  const feed = createFeed({ log, ...(replicas.wire === undefined ? {} : { wire: replicas.wire }) });
  const registry = new Registry({
    store,
    feed,
    metrics,
    log,
    replica: { id: replicaId, address: config.replica?.address ?? '' },
    others: replicas.others,
    now,
  });
  // One process alone uses a file: what a crash left there is nobody's.
  if (database.kind === 'sqlite') await store.links.forgetReplica();
  await registry.start();
  stack.defer(() => registry.close(AbortSignal.timeout(SHUTDOWN_MS)));
  replicas.serve(registry);
  const limits = createRateLimits(database);
  const actions = createActions({ store, feed, links: registry, config });
  const stopping = new AbortController();
  const context: CloudContext = { config, store, actions, feed, links: registry, limits, metrics, pages, log, stopping: stopping.signal, now };
  let endConnections = () => {};
  stack.defer(() => endConnections());
  const preview = options.preview(context);
  stack.defer(() => preview.close());
  const ready = async () => {
    if (stopping.signal.aborted) return 'stopping';
    try {
      await store.check();
      return undefined;
    } catch {
      return 'the database does not answer';
    }
  };
  const firstAdministrator = await firstAdministratorLink(context);
  const server = await startServer({
    config,
    log,
    app: createApp(context, [preview.routes, options.dashboard(context)]),
    preview,
    link: createLinkUpgrade(context, registry),
    forward: replicas.forward,
    ready,
  });
  endConnections = () => server.end();
  // Previews' streams run through links: those stay until the requests are through.
  stack.defer(() => server.drain(AbortSignal.timeout(SHUTDOWN_MS)));
  const metricsServer = config.metrics === undefined ? undefined : await startMetricsServer(config.metrics, { render: () => metrics.render(), ready, log });
  if (metricsServer !== undefined) {
    stack.defer(async () => {
      await metricsServer.drain(AbortSignal.timeout(SHUTDOWN_MS));
      metricsServer.end();
    });
  }
  const sweep = () => {
    store.sweep().catch((error: unknown) => log.warn('old rows could not be removed', { error: messageOf(error) }));
  };
  const sweeper = setInterval(sweep, SWEEP_EVERY_MS);
  stack.defer(() => clearInterval(sweeper));
  const running = stack.move();
  return {
    port: server.port,
    metricsPort: metricsServer?.port,
    firstAdministrator,
    store,
    context,
    close: () => {
      stopping.abort(new Error('the cloud stops'));
      return running.disposeAsync();
    },
  };
}
