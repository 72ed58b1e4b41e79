import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { withSystemFolders } from '../../base/system-path.ts';
import { main, parseRedirects, redirectRules } from './index.ts';

describe('arguments', () => {
  it('are read', () => {
    expect(parseRedirects(['tcp:8080:9900', 'udp:53:9901'])).toEqual([
      { protocol: 'tcp', from: 8080, to: 9900 },
      { protocol: 'udp', from: 53, to: 9901 },
    ]);
  });
  it.each(['8080:9900', 'sctp:1:2', 'tcp:0:1', 'tcp:1:70000', 'tcp:1:2; flush ruleset'])('that are none are refused: %s', (text) => {
    expect(() => parseRedirects([text])).toThrow(/is no redirect/);
  });
});

it('says what nft said', async () => {
  await expect(main(['tcp:1:2'], { log: silentLog, run: () => Promise.reject(new Error('no such file')) })).rejects.toThrow(/no such file/);
});

const unshare = [...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']), '--net'];
const env = { ...process.env, PATH: withSystemFolders(process.env['PATH']) };
const possible = spawnSync('unshare', [...unshare, 'nft', 'list', 'tables'], { env }).status === 0;
it.skipIf(!possible)('loads into a network namespace of its own, twice with the same result (needs root, or user namespaces)', () => {
  const ruleset = redirectRules(parseRedirects(['tcp:8080:9900', 'udp:53:9901']));
  const list = execFileSync('unshare', [...unshare, 'sh', '-c', 'printf %s "$0" | nft -f - && printf %s "$0" | nft -f - && nft list ruleset', ruleset], {
    encoding: 'utf8',
    env,
  });
  expect(list).toContain('tcp dport 8080 redirect to :9900');
  expect(list).toContain('udp dport 53 redirect to :9901');
  expect(list.match(/table inet telepresence/g)).toHaveLength(1);
});
