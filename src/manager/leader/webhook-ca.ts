/** Keeps the CA in the webhook's configuration right, so that the API server trusts the injector. */
import { CodedError, messageOf } from '../../base/errors.ts';
import { namingOf } from '../../install/naming.ts';
import { resourcePath } from '../../kube/index.ts';
import type { ManagerContext } from '../context.ts';

interface WebhookConfiguration {
  metadata: { resourceVersion: string };
  webhooks?: { name: string; clientConfig: { caBundle?: string } }[];
}

/** Writes the bundle into each webhook that has another or none. A configuration that isn't there (injector disabled) is nothing to mend. */
export async function keepCaBundle(context: Pick<ManagerContext, 'kube' | 'namespace' | 'tls' | 'log'>, signal: AbortSignal): Promise<void> {
  const { kube, namespace, tls, log } = context;
  const path = resourcePath('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', undefined, namingOf(namespace).webhookConfiguration);
  const bundle = Buffer.from(tls.caCertificate).toString('base64');
  try {
    const { webhooks = [] } = await kube.get<WebhookConfiguration>(path, { signal });
    const patch = webhooks.flatMap(({ name, clientConfig }, index) =>
      clientConfig.caBundle === bundle
        ? []
        : [
            { op: 'test', path: `/webhooks/${index}/name`, value: name },
            { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: bundle },
          ],
    );
    if (patch.length === 0) return;
    await kube.patch(path, 'json', patch, { signal, fieldManager: 'traffic-manager' });
    log.info('wrote the CA into the webhook configuration');
  } catch (error) {
    if (signal.aborted || (error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND')) return;
    log.warn('the CA of the webhook configuration could not be checked', { reason: messageOf(error) });
  }
}
