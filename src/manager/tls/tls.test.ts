import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { CA_LIFETIME_MS, isUsableCa, LEAF_LIFETIME_MS, mintCa, mintLeaf } from './certificates.ts';
import { createManagerTls } from './index.ts';

async function handshake(server: { certificate: string; key: string }, client: { ca: string; servername?: string; host?: string }): Promise<string> {
  const listener = createServer({ cert: server.certificate, key: server.key }, (socket) => socket.on('error', () => {}).end('hello'));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    ca: client.ca,
    ...(client.servername === undefined ? {} : { servername: client.servername }),
  });
  try {
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
    return text;
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('certificates', () => {
  it('pass the handshake of node:tls by name and by address', async () => {
    const ca = await mintCa({ name: 'test', now: Date.now() });
    const leaf = await mintLeaf({ ca, name: 'a', hosts: ['traffic-manager.ambassador.svc', '127.0.0.1', 'fd00::1'], now: Date.now() });
    expect(await handshake(leaf, { ca: ca.certificate, servername: 'traffic-manager.ambassador.svc' })).toBe('hello');
    expect(await handshake(leaf, { ca: ca.certificate })).toBe('hello');
  });

  it('fail for another name and for another CA', async () => {
    const ca = await mintCa({ name: 'test', now: Date.now() });
    const other = await mintCa({ name: 'test', now: Date.now() });
    const leaf = await mintLeaf({ ca, name: 'a', hosts: ['a.svc'], now: Date.now() });
    await expect(handshake(leaf, { ca: ca.certificate, servername: 'b.svc' })).rejects.toThrow(/does not match/);
    await expect(handshake(leaf, { ca: other.certificate, servername: 'a.svc' })).rejects.toThrow();
  });

  it('fail after their end', async () => {
    const ca = await mintCa({ name: 'test', now: Date.now() });
    const leaf = await mintLeaf({ ca, name: 'a', hosts: ['a.svc'], now: Date.now() - LEAF_LIFETIME_MS - 1000 });
    await expect(handshake(leaf, { ca: ca.certificate, servername: 'a.svc' })).rejects.toThrow(/expired/);
  });

  it('tell a usable CA from a broken, foreign or ending one', async () => {
    const now = Date.now();
    const ca = await mintCa({ name: 'test', now });
    const other = await mintCa({ name: 'test', now });
    expect(await isUsableCa(ca, now)).toBe(true);
    expect(await isUsableCa({ certificate: ca.certificate, key: other.key }, now)).toBe(false);
    expect(await isUsableCa({ certificate: '', key: '' }, now)).toBe(false);
    expect(await isUsableCa(ca, now + CA_LIFETIME_MS - LEAF_LIFETIME_MS / 2)).toBe(false);
  });
});

describe("the manager's leaf", () => {
  it('is renewed when two thirds of its life are over, and not before', async () => {
    let now = Date.now() - LEAF_LIFETIME_MS * 0.7;
    const ca = await mintCa({ name: 'test', now });
    const tls = await createManagerTls({ ca, namespace: 'ambassador', podIP: '127.0.0.1', log: silentLog, now: () => now, checkMs: 1 });
    const first = tls.leaf().certificate;
    const renewed = new Promise<void>((resolve) => {
      tls.onRenew(resolve);
    });
    now += LEAF_LIFETIME_MS * 0.7;
    await renewed;
    expect(tls.leaf().certificate).not.toBe(first);
    expect(await handshake(tls.leaf(), { ca: ca.certificate, servername: 'agent-injector.ambassador.svc' })).toBe('hello');
    tls.close();
  });
});
