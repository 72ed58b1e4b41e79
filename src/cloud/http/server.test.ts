import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../kube/testing/certificates.ts';
import { type CloudFixture, freePort, startTestCloud } from '../testing/cloud-fixture.ts';

let fixture: CloudFixture;
let folder: string;
let ca: string;
let metricsPort: number;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cloud-tls-'));
  const authority = await createTestAuthority();
  ca = authority.ca;
  const server = await authority.issue({ subject: 'CN=cloud', names: ['localhost'] });
  writeFileSync(path.join(folder, 'cert.pem'), server.cert);
  writeFileSync(path.join(folder, 'key.pem'), server.key);
  const port = await freePort();
  metricsPort = await freePort();
  fixture = await startTestCloud({
    settings: {
      url: `https://localhost:${port}`,
      listen: `127.0.0.1:${port}`,
      metrics: `127.0.0.1:${metricsPort}`,
      behindProxy: 0,
      tls: { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') },
    },
  });
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const http1 = (target: string) =>
  new Promise<{ status: number; headers: Record<string, string | string[] | undefined> }>((resolve, reject) => {
    request(fixture.url + target, { ca, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    })
      .on('error', reject)
      .end();
  });

describe('with a certificate', () => {
  it('serves HTTP/1.1, with cookies that no other host can set', async () => {
    const { status, headers } = await http1('/sign-in');
    expect(status).toBe(200);
    expect(headers['strict-transport-security']).toContain('max-age=');
    expect(headers['set-cookie']?.[0]).toMatch(/^__Host-telepresence-visitor=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it('serves HTTP/2', async () => {
    const session = connectHttp2(fixture.url, { ca });
    const stream = session.request({ ':path': '/sign-in' });
    const status = await new Promise((resolve, reject) => {
      stream.on('response', (headers) => resolve(headers[':status']));
      stream.on('error', reject);
    });
    stream.resume();
    expect(status).toBe(200);
    const unknown = session.request({ ':path': '/sign-in', ':authority': 'evil.example' });
    unknown.resume();
    expect(await new Promise((resolve) => unknown.on('response', (headers) => resolve(headers[':status'])))).toBe(404);
    session.close();
  });

  it('refuses what is no HTTP', async () => {
    await expect(fetch(fixture.url.replace('https', 'http'))).rejects.toThrow();
    expect((await http1('/readyz')).status).toBe(404);
  });
});

it('has numbers for Prometheus on a port of their own', async () => {
  await http1('/sign-in');
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(text).toMatch(/^telepresence_cloud_http_responses_total\{status="2xx"\} [1-9]/m);
  expect(text).toMatch(/^# TYPE telepresence_cloud_links gauge\ntelepresence_cloud_links 0$/m);
  expect((await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${metricsPort}/sign-in`)).status).toBe(404);
  expect((await http1('/metrics')).status).toBe(404);
});
