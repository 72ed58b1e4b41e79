/**
 * The init container of pods whose ports are redirected: writes nftables rules into the pod's network namespace and ends. What comes
 * from outside goes to the agent's port; what comes over the loopback (the app's own calls, the agent's to the app) stays as it is.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { AGENT_UID } from '../../protocol/agent-config.ts';

export interface Redirect {
  protocol: 'tcp' | 'udp';
  from: number;
  to: number;
}

/** Time for `nft`; it needs a few milliseconds. */
export const NFT_TIMEOUT_MS = 10_000;
/**
 * Users that the proxies of meshes run as (Istio, Linkerd): what they took from outside they send on over the loopback. An app that
 * runs as one of them meets its agent when it calls itself.
 */
export const MESH_UIDS = [1337, 2102] as const;
export const REDIRECT_TABLE = 'telepresence';

/** `tcp:8080:9900` each. */
export function parseRedirects(args: readonly string[]): Redirect[] {
  return args.map((text) => {
    const match = /^(tcp|udp):(\d{1,5}):(\d{1,5})$/.exec(text);
    const [protocol, from, to] = [match?.[1], Number(match?.[2]), Number(match?.[3])];
    const isPort = (port: number) => port >= 1 && port <= 65_535;
    if ((protocol !== 'tcp' && protocol !== 'udp') || !isPort(from) || !isPort(to))
      throw new CodedError('TP-USAGE', `"${text}" is no redirect: tcp:8080:9900 is one.`);
    return { protocol, from, to };
  });
}

/**
 * The ruleset. The table is made anew, so that a restarted init container changes nothing. The chains run just behind those of a mesh:
 * where a mesh's proxy takes a connection from outside, it is met again on its way from the proxy to the app.
 */
export function redirectRules(redirects: readonly Redirect[], agentUid: number = AGENT_UID): string {
  const rules = redirects.map(({ protocol, from, to }) => `${protocol} dport ${from} redirect to :${to}`);
  return [
    `table inet ${REDIRECT_TABLE}`,
    `delete table inet ${REDIRECT_TABLE}`,
    `table inet ${REDIRECT_TABLE} {`,
    '  chain inbound {',
    '    type nat hook prerouting priority dstnat + 1; policy accept;',
    '    iifname "lo" return',
    ...rules.map((rule) => `    ${rule}`),
    '  }',
    '  chain from-mesh {',
    // nft knows the name dstnat in prerouting only.
    '    type nat hook output priority -99; policy accept;',
    `    meta skuid ${agentUid} return`,
    ...rules.map((rule) => `    oifname "lo" meta skuid { ${MESH_UIDS.join(', ')} } ${rule}`),
    '  }',
    '}',
    '',
  ].join('\n');
}

export type RunNft = (ruleset: string) => Promise<void>;

/** Loads the whole ruleset or none of it. */
export const runNft: RunNft = async (ruleset) => {
  const child = promisify(execFile)('nft', ['-f', '-'], { timeout: NFT_TIMEOUT_MS });
  child.child.stdin?.on('error', () => {}); // nft's own exit says more than the broken pipe
  child.child.stdin?.end(ruleset);
  await child;
};

/** @param args as the injector writes them: `tcp:8080:9900` for each redirected port. */
export async function main(args: readonly string[], options: { log: Log; run?: RunNft }): Promise<void> {
  const redirects = parseRedirects(args);
  try {
    await (options.run ?? runNft)(redirectRules(redirects));
  } catch (error) {
    throw new CodedError('TP-INTERNAL', `nft did not take the redirects: ${messageOf(error).trim()}`, {
      cause: error,
      help: 'The node needs the kernel modules nf_tables and nft_redir, and the pod the capability NET_ADMIN.',
    });
  }
  options.log.info('redirected', { ports: redirects.map(({ protocol, from, to }) => `${protocol}:${from}->${to}`).join(' ') });
}
