/** Events that tell a reader of `kubectl describe` what a controller did. The same one again only counts up. */
import { messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { resourcePath } from '../../../kube/paths.ts';
import type { ClusterClient } from '../../contract.ts';
import type { Stored } from './types.ts';

export interface EventRecorder {
  /** `component` is the controller's name, `deployment-controller`; `fieldPath` the part of what it is about. Never fails: an event that can't be written is logged. */
  record(component: string, about: Stored, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void;
}

interface Known {
  name: string;
  count: number;
}

export function createEventRecorder({ client, log, signal }: { client: ClusterClient; log: Log; signal: AbortSignal }): EventRecorder {
  /** By what it says about whom. Bounded: the oldest are forgotten, and are then told as new. */
  const known = new Map<string, Known>();
  const KNOWN_AT_MOST = 4096;

  return {
    record(component, about, type, reason, message, fieldPath = '') {
      if (signal.aborted) return;
      const namespace = about.metadata.namespace || 'default';
      const key = [about.metadata.uid, component, type, reason, message, fieldPath].join('\n');
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const before = known.get(key);
      const failed = (error: unknown): void => {
        known.delete(key);
        log.debug('an event could not be written', { reason, error: messageOf(error) });
      };
      if (before !== undefined) {
        before.count++;
        client.patch(resourcePath('v1', 'events', namespace, before.name), 'merge', { count: before.count, lastTimestamp: now }, { signal }).catch(failed);
        return;
      }
      const name = `${about.metadata.name}.${(BigInt(Date.now()) * 1_000_000n + BigInt(Math.floor(Math.random() * 1e6))).toString(16)}`;
      known.set(key, { name, count: 1 });
      const [oldest] = known.keys();
      if (known.size > KNOWN_AT_MOST && oldest !== undefined) known.delete(oldest);
      const body = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace },
        involvedObject: {
          kind: about.kind,
          apiVersion: about.apiVersion,
          name: about.metadata.name,
          uid: about.metadata.uid,
          resourceVersion: about.metadata.resourceVersion,
          ...(about.metadata.namespace === '' ? {} : { namespace: about.metadata.namespace }),
          ...(fieldPath === '' ? {} : { fieldPath }),
        },
        type,
        reason,
        message,
        source: { component },
        reportingComponent: component,
        reportingInstance: '',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      };
      client.request('POST', resourcePath('v1', 'events', namespace), { body, signal }).catch(failed);
    },
  };
}
