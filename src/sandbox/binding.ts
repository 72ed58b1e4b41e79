/** `pods/binding`: how a scheduler says which node a pod runs on. */
import { resourcePath } from '../kube/paths.ts';
import { type ClusterClient, StatusError, type VirtualResource } from './contract.ts';
import type { Pod } from './controllers/core/types.ts';

export function createBinding(client: ClusterClient): VirtualResource {
  return {
    async create({ namespace = '', name = '' }, object) {
      const target = object['target'] as { name?: string } | undefined;
      if (target?.name === undefined) throw new StatusError(422, 'Invalid', `Binding ${JSON.stringify(name)} is invalid: target.name: Required value`);
      const path = resourcePath('v1', 'pods', namespace, name);
      const pod = await client.get<Pod>(path);
      if ((pod.spec.nodeName ?? '') !== '')
        throw new StatusError(
          409,
          'Conflict',
          `Operation cannot be fulfilled on pods/binding ${JSON.stringify(name)}: pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
        );
      const { uid, resourceVersion } = pod.metadata;
      await client.patch(path, 'merge', { metadata: { uid, resourceVersion }, spec: { nodeName: target.name } });
      return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 201 };
    },
  };
}
