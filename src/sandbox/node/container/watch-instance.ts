/** The probes of one life of a container: what they say of it. */
import type { Container } from 'kubernetes-types/core/v1.js';
import type { PodScope } from '../pod/scope.ts';
import type { Instance } from './instance.ts';
import { partOf } from './part-of.ts';
import { runProbe } from './probe.ts';

export interface InstanceEvents {
  onStarted(): void;
  onReady(ready: boolean): void;
  /** Its startup or liveness probe has given it up. */
  onUnhealthy(probe: string): void;
}

/** Ends with `signal`. */
export async function watchInstance(scope: PodScope, container: Container, instance: Instance, signal: AbortSignal, events: InstanceEvents): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const failed = (title: string) => (message: string) =>
    scope.context.events.record('kubelet', scope.pod, 'Warning', 'Unhealthy', `${title} probe failed: ${message}`, partOf(scope.pod, container.name));
  if (startupProbe !== undefined) {
    const onResult = (ok: boolean): void => {
      if (!ok) events.onUnhealthy('startup');
    };
    await runProbe(startupProbe, instance.asked, { onResult, onFailure: failed('Startup') }, signal, true);
    if (signal.aborted) return;
  }
  events.onStarted();
  if (readinessProbe === undefined) events.onReady(true);
  await Promise.all([
    readinessProbe && runProbe(readinessProbe, instance.asked, { onResult: events.onReady, onFailure: failed('Readiness') }, signal, false),
    livenessProbe &&
      runProbe(
        livenessProbe,
        instance.asked,
        {
          onResult(ok) {
            if (!ok) events.onUnhealthy('liveness');
          },
          onFailure: failed('Liveness'),
        },
        signal,
        false,
      ),
  ]);
}
