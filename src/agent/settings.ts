import { isIP } from 'node:net';
import { z } from 'zod';
import { CodedError, messageOf } from '../base/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { AGENT_ENV, AGENT_MOUNT, type AgentConfig, agentConfigSchema } from '../protocol/agent-config.ts';

export interface AgentSettings {
  config: AgentConfig;
  /** Letter in the environment → app container. */
  containers: ReadonlyMap<string, string>;
  pod: string;
  podIP: string;
  namespace: string;
  /** `addresses`: where managers were when the pod was made. */
  manager: { host: string; port: number; servername: string; addresses: readonly string[] };
  /** PEM of the managers' CA. */
  ca: string;
  logLevel: LogLevel;
  tokenFile: string;
}

/** Reads the sidecar's environment (AGENT_ENV). Throws TP-CONFIG-INVALID that names the variable. */
export function readSettings(env: Record<string, string | undefined>): AgentSettings {
  const text = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new CodedError('TP-CONFIG-INVALID', `The variable ${name} is not set.`);
    return value;
  };
  const parse = <T>(name: string, schema: z.ZodType<T>): T => {
    try {
      return schema.parse(JSON.parse(text(name)));
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError(
        'TP-CONFIG-INVALID',
        `The variable ${name} is not valid: ${error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)}`,
        { cause: error },
      );
    }
  };
  const host = text(AGENT_ENV.manager);
  const level = env[AGENT_ENV.logLevel];
  const addresses = (env[AGENT_ENV.managerAddresses] ?? '').split(',').filter((address) => isIP(address) !== 0);
  return {
    config: parse(AGENT_ENV.config, agentConfigSchema),
    containers: new Map(Object.entries(env[AGENT_ENV.containers] === undefined ? {} : parse(AGENT_ENV.containers, z.record(z.string(), z.string())))),
    pod: text(AGENT_ENV.pod),
    podIP: text(AGENT_ENV.podIP),
    namespace: text(AGENT_ENV.namespace),
    manager: { host, port: parse(AGENT_ENV.managerPort, z.number().int().min(1).max(65_535)), servername: managerServername(host), addresses },
    ca: text(AGENT_ENV.ca),
    logLevel: LOG_LEVELS.find((known) => known === level) ?? 'info',
    tokenFile: `${AGENT_MOUNT}/token`,
  };
}

/** The name in the managers' certificates: `<service>.<namespace>.svc`, whichever form of the host name the agent was given. */
export function managerServername(host: string): string {
  const [service, namespace] = host.split('.');
  return namespace === undefined ? host : `${service}.${namespace}.svc`;
}
