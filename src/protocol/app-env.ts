/**
 * How an app container's environment is copied into the sidecar and read back there. The injector writes with {@link appEnvName} and
 * {@link rewriteReferences}, the agent reads with {@link decodeAppEnv}: both ends stand here so that they can't drift apart.
 */
import { APP_ENV_PREFIX } from './agent-config.ts';

/** The letter of container number `index`: A … Z, then AA, AB, … */
export function appEnvLetter(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest === 0 ? '' : appEnvLetter(rest - 1)) + String.fromCharCode(65 + (index % 26));
}

/** What a variable's name begins with in the sidecar; also the prefix that is put before an `envFrom`'s own. */
export function appEnvPrefix(letter: string): string {
  return `${APP_ENV_PREFIX}${letter}_`;
}

/**
 * Rewrites Kubernetes' `$(NAME)` references for which `refersToApp` holds to the copied variable's name. `$$` is an escape and
 * passes untouched, as everything else does.
 */
export function rewriteReferences(value: string, letter: string, refersToApp: (name: string) => boolean): string {
  return value.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name !== undefined && refersToApp(name) ? `$(${appEnvPrefix(letter)}${name})` : whole,
  );
}

/**
 * The environment of the app container with this letter, out of the sidecar's own environment. A rewritten reference that the kubelet
 * left as it was named no variable of the app: it meant a variable of a Service, which the sidecar has too, or nothing.
 */
export function decodeAppEnv(env: Record<string, string | undefined>, letter: string): Record<string, string> {
  const prefix = appEnvPrefix(letter);
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith(prefix)) continue;
    result[name.slice(prefix.length)] = value.replace(/\$\((\w+)\)/g, (whole, reference: string) => {
      if (!reference.startsWith(prefix)) return whole;
      const meant = reference.slice(prefix.length);
      return env[meant] ?? `$(${meant})`;
    });
  }
  return result;
}
