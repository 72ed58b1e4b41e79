import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { configSchema } from '../../config/schema.ts';
import type { NetState } from '../../protocol/netd-api.ts';
import { clusterSchema } from '../../protocol/tunnel.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { Names } from './names.ts';

const cluster = clusterSchema.parse({
  clusterDomain: 'cluster.local',
  serviceSubnets: ['10.96.0.0/16'],
  podSubnets: ['10.244.0.0/16'],
  nodeAddresses: [],
  namespaces: ['shop', 'dev'],
});

describe('names on the workstation', () => {
  let folder: string;
  let names: Names | undefined;
  let changed: PromiseWithResolvers<void>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-names-'));
    changed = Promise.withResolvers();
  });
  afterEach(async () => {
    names?.close();
    await rm(folder, { recursive: true });
  });

  const begin = async (resolvConf: string, mappedNamespaces: string[] = []): Promise<NetState['dns']> => {
    const files = { resolvConf: join(folder, 'resolv.conf'), uplinks: join(folder, 'uplinks') };
    await writeFile(files.resolvConf, resolvConf);
    await writeFile(files.uplinks, 'nameserver 192.0.2.9\n');
    const tunnel = Object.assign(new EventEmitter(), { dnsStream: undefined }) as unknown as Tunnel;
    const onChange = (): Promise<void> => Promise.resolve(changed.resolve());
    names = new Names(
      { log: silentLog, config: configSchema.parse({}), tunnel, namespace: 'shop', mappedNamespaces, address: '127.0.0.1', files, onChange },
      cluster,
    );
    await names.start();
    return names.netState;
  };
  const serversOf = (state: NetState['dns'] | undefined): string[] => (state?.mode === 'redirect' ? state.servers.map(({ server }) => server) : []);

  it('stand before every resolver of resolv.conf', async () => {
    expect(serversOf(await begin('nameserver 192.0.2.53\nnameserver 192.0.2.54\n'))).toEqual(['192.0.2.53', '192.0.2.54']);
    expect(names?.status).toMatchObject({ mode: 'redirect', address: '192.0.2.53:53' });
  });

  it('follow when the workstation gets other resolvers', async () => {
    await begin('nameserver 192.0.2.53\n');
    await writeFile(join(folder, 'resolv.conf'), 'search lan\nnameserver 198.51.100.1\n');
    await changed.promise;
    expect(serversOf(names?.netState)).toEqual(['198.51.100.1']);
  });

  it('are a link’s resolver under systemd-resolved, for the mapped namespaces', async () => {
    expect(await begin('nameserver 127.0.0.53\n', ['shop'])).toEqual({
      mode: 'resolved',
      server: '127.0.0.1',
      domains: ['shop.svc.cluster.local', '~cluster.local', '~svc', '~shop'],
    });
  });
});
