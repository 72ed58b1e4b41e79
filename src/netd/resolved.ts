/** The TUN link's resolver in systemd-resolved, by `resolvectl`. The settings die with the link. */
import type { CommandRunner } from './command-runner.ts';
import type { WantedDns } from './wanted.ts';

/** Changes the link from `previous` to `next`; runs nothing when they are the same. */
export async function applyResolved(runner: CommandRunner, device: string, previous: WantedDns, next: WantedDns): Promise<void> {
  if (next.mode !== 'resolved') {
    if (previous.mode === 'resolved') await runner.run(['resolvectl', 'revert', device]);
    return;
  }
  const before = previous.mode === 'resolved' ? previous : undefined;
  // Never the default route for names: what isn't one of the domains goes where it went before.
  if (before === undefined) await runner.run(['resolvectl', 'default-route', device, 'no']);
  if (before?.server !== next.server) await runner.run(['resolvectl', 'dns', device, next.server]);
  if (before?.domains.join(' ') !== next.domains.join(' ')) {
    // An empty argument clears the list; no argument would only print it.
    const domains = next.domains.length === 0 ? [''] : next.domains;
    await runner.run(['resolvectl', 'domain', device, ...domains]);
  }
}
