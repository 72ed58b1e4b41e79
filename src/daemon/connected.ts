/** Everything that is there while the workstation is connected, opened in order and closed in reverse. */
import { EventEmitter } from 'node:events';
import type { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ClientConfig } from '../config/index.ts';
import type { KubeClient, Kubeconfig } from '../kube/index.ts';
import type { ConnectParams } from '../protocol/daemon-api.ts';
import type { Previews } from './cloud/index.ts';
import type { DirectConnections } from './direct/index.ts';
import type { Intercepts } from './intercept/index.ts';
import type { Network } from './network/index.ts';
import { deleteSession, type OwnSession } from './session.ts';
import type { Tunnel } from './tunnel/index.ts';

/** Closing never waits longer: what the cluster still holds is cleared by the leading manager. */
export const CLOSE_TIMEOUT_MS = 5_000;

export interface ConnectedParts {
  log: Log;
  params: ConnectParams;
  /** The parameters as text, to tell a second `connect` with others. */
  fingerprint: string;
  kubeconfig: Kubeconfig;
  config: ClientConfig;
  kube: KubeClient;
  namespace: string;
  managerNamespace: string;
  session: OwnSession;
  tunnel: Tunnel;
  network: Network;
  intercepts: Intercepts;
  direct: DirectConnections;
  previews: Previews;
  since: number;
}

export class Connected extends EventEmitter<{ over: [CodedError] }> {
  readonly parts: ConnectedParts;
  #closing: Promise<void> | undefined;

  constructor(parts: ConnectedParts) {
    super();
    this.parts = parts;
    const { tunnel, intercepts, direct, log } = parts;
    tunnel.on('refused', (error) => this.emit('over', error));
    tunnel.on('down', (reason) => log.warn('the connection to the cluster is down', { reason }));
    tunnel.on('up', () => {
      log.info('the connection to the cluster is up');
      intercepts.refresh();
      direct.refresh();
    });
  }

  /** Leaves all intercepts, gives the workstation's network back, ends tunnel and session. Idempotent; throws nothing that the user could mend. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { log, tunnel, network, intercepts, direct, session, kube, managerNamespace } = this.parts;
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
    const steps: [string, () => Promise<void>][] = [
      ['network', () => network.close()],
      ['intercepts', () => intercepts.close(signal)],
      ['direct connections', async () => direct.close()],
      ['tunnel', () => tunnel.close()],
      ['session', () => deleteSession(kube, managerNamespace, session.name, signal)],
    ];
    for (const [step, close] of steps) {
      try {
        await close();
      } catch (error) {
        log.warn('a part of the session could not be closed cleanly', { step, error });
      }
    }
    kube.close();
  }
}
