/** Where workstations stand: network namespaces `lab-NAME` that reach the API server of a cluster and nothing else of it. */
import path from 'node:path';
import { ok, type RunOptions, run } from './run.ts';

export interface Lab {
  /** Makes a network namespace of that name, or does nothing when it is there. @throws while one that was just removed is in the way */
  add(name: string): Promise<void>;
  /** Ends what runs there. */
  remove(name: string): Promise<void>;
  /** @param rtt milliseconds of round trip to the API server */
  command(name: string, command: string, args: readonly string[], rtt?: number): [file: string, args: string[]];
}

/** That of the real cluster, by its scripts. */
export function scriptedLab(scripts: string): Lab {
  const laptop = path.join(scripts, 'laptop');
  return {
    add: async (name) => {
      await ok(laptop, ['--name', name, 'true']);
    },
    remove: async (name) => {
      await run(laptop, ['--remove', name]);
    },
    command: (name, command, args, rtt) =>
      rtt === undefined ? [laptop, ['--name', name, command, ...args]] : [path.join(scripts, 'far'), [String(rtt), '--name', name, command, ...args]],
  };
}

export type Kubectl = (args: readonly string[], options?: RunOptions) => Promise<string>;

export function kubectlFor(binary: string, kubeconfig: string): Kubectl {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return (args, options = {}) => ok(binary, args, { env, ...options });
}
