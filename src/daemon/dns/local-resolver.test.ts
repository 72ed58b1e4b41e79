import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { localResolverUids, parseUdpTable, resolverUid } from './local-resolver.ts';

const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  120: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   109        0 21234 2 0000000000000000 0
  345: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 34567 2 0000000000000000 0
`;
const TABLE6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  120: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   109        0 21235 2 0000000000000000 0
`;

describe('local resolvers', () => {
  it('reads the kernel’s tables', () => {
    expect(parseUdpTable(TABLE)).toEqual([
      { address: '127.0.0.1', port: 53, uid: 109 },
      { address: '0.0.0.0', port: 5353, uid: 1000 },
    ]);
    expect(parseUdpTable(TABLE6)).toEqual([{ address: '::1', port: 53, uid: 109 }]);
  });

  it('reads this machine’s own table', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const text = await import('node:fs/promises').then(({ readFile }) => readFile('/proc/net/udp', 'utf8'));
    expect(parseUdpTable(text)).toContainEqual({ address: '127.0.0.1', port: socket.address().port, uid: process.getuid?.() });
    socket.close();
  });

  it('knows a resolver by its name and takes the user it runs as', () => {
    expect(resolverUid('Name:\tdnsmasq\nUmask:\t0022\nUid:\t0\t109\t109\t109\n')).toBe(109);
    expect(resolverUid('Name:\tbash\nUid:\t1000\t1000\t1000\t1000\n')).toBeUndefined();
  });

  it('looks for none where resolv.conf names none of this host', async () => {
    expect(await localResolverUids(['192.0.2.53'], 1000)).toEqual([]);
  });
});
