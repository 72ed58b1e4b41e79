/** Keeps the kernel's rules for Services as the API has them, on each node. */
import { execFile } from 'node:child_process';
import { messageOf } from '../../base/errors.ts';
import { SANDBOX_NETWORK } from '../contract.ts';
import type { ControllerContext } from '../controllers/core/context.ts';
import { createQueue } from '../controllers/core/queue.ts';
import { ENDPOINT_SLICES, SERVICES } from '../controllers/core/types.ts';
import { NFT_TIMEOUT_MS } from './limits.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { serviceRules } from './service-rules.ts';

/** Resolves when the first rules stand. @param nodes by their names */
export async function startServiceProxy(context: ControllerContext, nodes: ReadonlyMap<string, NetworkNamespace>): Promise<void> {
  const services = context.cache(SERVICES);
  const slices = context.cache(ENDPOINT_SLICES);
  const first = new Map([...nodes.keys()].map((name) => [name, Promise.withResolvers<void>()]));
  const standing = new Map<string, string>();
  const queue = createQueue({
    name: 'service-proxy',
    log: context.log,
    signal: context.signal,
    async work(nodeName) {
      const namespace = nodes.get(nodeName);
      if (namespace === undefined) return;
      const rules = serviceRules({ services: services.list(), slices: slices.list(), podNetwork: SANDBOX_NETWORK.pods, nodeName });
      if (rules !== standing.get(nodeName)) await load(namespace, rules);
      standing.set(nodeName, rules);
      first.get(nodeName)?.resolve();
    },
  });
  const all = (): void => {
    for (const name of nodes.keys()) queue.add(name);
  };
  services.onChange(all);
  slices.onChange(all);
  await Promise.all([services.ready, slices.ready]);
  all();
  queue.start();
  await Promise.all([...first.values()].map(({ promise }) => promise));
}

function load(namespace: NetworkNamespace, rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = namespace.within(() =>
      execFile('nft', ['-f', '-'], { timeout: NFT_TIMEOUT_MS }, (error, _, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`nft: ${stderr.trim() === '' ? messageOf(error) : stderr.trim()}`));
      }),
    );
    // nft may end before it has read all: then its exit code says why
    child.stdin?.on('error', () => {});
    child.stdin?.end(rules);
  });
}
