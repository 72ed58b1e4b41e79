import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf, makeLayer } from './layer.ts';
import { type Image, makeImage, makePlatformImage } from './oci.ts';
import { pushImage } from './registry.ts';

const TOKEN = 'token-for-push';
let folder: string;
let image: Image;
let registry: Registry;

/** Enough of a registry: blobs in two steps, manifests, and a token for those who log in as docker does. */
class Registry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { type: string; bytes: Buffer }>();
  readonly uploads: string[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.port;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    const url = new URL(request.url ?? '/', `http://127.0.0.1:${this.port}`);
    if (url.pathname === '/token') {
      const basic = Buffer.from('dev:secret').toString('base64');
      response.statusCode =
        request.headers.authorization === `Basic ${basic}` && url.searchParams.get('scope') === 'repository:team/telepresence:pull,push' ? 200 : 401;
      return void response.end(JSON.stringify({ token: TOKEN }));
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://127.0.0.1:${this.port}/token",service="test"` });
      return void response.end();
    }
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    if (url.pathname.endsWith('/blobs/uploads/')) response.writeHead(202, { location: '/v2/team/telepresence/blobs/uploads/1?state=x' });
    else if (request.method === 'HEAD') response.statusCode = this.blobs.has(name) ? 200 : 404;
    else if (url.pathname.includes('/uploads/')) {
      const digest = url.searchParams.get('digest') ?? '';
      this.uploads.push(digest);
      response.statusCode = digestOf(body) === digest && url.searchParams.get('state') === 'x' ? 201 : 400;
      this.blobs.set(digest, body);
    } else if (url.pathname.includes('/manifests/')) {
      this.manifests.set(name, { type: request.headers['content-type'] ?? '', bytes: body });
      response.statusCode = 201;
    }
    response.end();
  }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-'));
  registry = new Registry();
  const port = await registry.start();
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [`127.0.0.1:${port}`]: { auth: Buffer.from('dev:secret').toString('base64') } } }));
  const layer = await makeLayer([{ path: '/app/x', mode: 0o644, content: Buffer.from('hello') }], join(folder, 'cache'));
  image = makeImage([makePlatformImage('amd64', [layer], {}), makePlatformImage('arm64', [layer], {})]);
});
afterEach(async () => {
  await registry.stop();
  await rm(folder, { recursive: true });
});

const push = () =>
  pushImage(
    image,
    { registry: `127.0.0.1:${registry.port}`, repository: 'team/telepresence', tag: '1.0' },
    { plainHttp: false, env: { DOCKER_CONFIG: folder }, onProgress: () => {} },
  );

it('pushes blobs, the manifests of the platforms and the tagged index, logged in as docker is', async () => {
  await push();
  expect(registry.manifests.get('1.0')).toEqual({ type: 'application/vnd.oci.image.index.v1+json', bytes: image.topBytes });
  for (const platform of image.platforms) {
    expect(registry.manifests.get(platform.manifest.digest)?.bytes).toEqual(platform.manifest.bytes);
    for (const blob of [platform.config, ...platform.layers]) expect(registry.blobs.get(blob.digest)).toEqual(blob.bytes);
  }
});

it('sends no blob twice', async () => {
  await push();
  const sent = registry.uploads.length;
  await push();
  expect(registry.uploads.length).toBe(sent);
});

it('names the refusal of a registry without a login', async () => {
  await writeFile(join(folder, 'config.json'), '{}');
  await expect(push()).rejects.toThrow('the registry refused the login: 401');
});
