/** Keeps the kernel's rules for Services as the API has them. */
import { execFile } from 'node:child_process';
import { messageOf } from '../../base/errors.ts';
import { SANDBOX_NETWORK } from '../contract.ts';
import type { ControllerContext } from '../controllers/core/context.ts';
import { createQueue } from '../controllers/core/queue.ts';
import { ENDPOINT_SLICES, SERVICES } from '../controllers/core/types.ts';
import { NFT_TIMEOUT_MS } from './limits.ts';
import { serviceRules } from './service-rules.ts';

/** Resolves when the first rules stand. */
export async function startServiceProxy(context: ControllerContext): Promise<void> {
  const services = context.cache(SERVICES);
  const slices = context.cache(ENDPOINT_SLICES);
  const first = Promise.withResolvers<void>();
  let standing = '';
  const queue = createQueue({
    name: 'service-proxy',
    log: context.log,
    signal: context.signal,
    async work() {
      const rules = serviceRules(services.list(), slices.list(), SANDBOX_NETWORK.pods);
      if (rules !== standing) await load(rules);
      standing = rules;
      first.resolve();
    },
  });
  services.onChange(() => queue.add('rules'));
  slices.onChange(() => queue.add('rules'));
  await Promise.all([services.ready, slices.ready]);
  queue.add('rules');
  queue.start();
  await first.promise;
}

function load(rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile('nft', ['-f', '-'], { timeout: NFT_TIMEOUT_MS }, (error, _, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`nft: ${stderr.trim() === '' ? messageOf(error) : stderr.trim()}`));
    });
    // nft may end before it has read all: then its exit code says why
    child.stdin?.on('error', () => {});
    child.stdin?.end(rules);
  });
}
