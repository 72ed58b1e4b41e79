import { CodedError } from '../base/errors.ts';
import { decodeAppEnv } from '../protocol/app-env.ts';
import type { Environment } from '../protocol/tunnel.ts';
import type { AgentSettings } from './settings.ts';

/**
 * The environment of an app container, out of the copies in the sidecar's own. Without a name: of the container whose port the agent
 * takes first. Throws TP-CONTAINER-UNKNOWN, naming those there are.
 */
export function collectEnvironment(settings: AgentSettings, env: Record<string, string | undefined>, container?: string): Environment {
  const names = [...settings.containers.values()];
  const wanted = container ?? settings.config.ports[0]?.container ?? names[0];
  const letter = [...settings.containers].find(([, name]) => name === wanted)?.[0];
  if (letter === undefined || wanted === undefined) {
    throw new CodedError(
      'TP-CONTAINER-UNKNOWN',
      `The pod has no container ${JSON.stringify(wanted ?? '')} whose environment was copied; it has ${names.join(', ') || 'none'}.`,
    );
  }
  return { container: wanted, pod: settings.pod, podIP: settings.podIP, env: decodeAppEnv(env, letter) };
}
