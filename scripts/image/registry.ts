/** Pushes an image by the OCI distribution API. What the registry has already is not sent again. */
import { digestOf } from './layer.ts';
import { type Image, MEDIA_TYPE } from './oci.ts';
import type { Reference } from './reference.ts';
import { registryCredentials } from './registry-credentials.ts';

/** For one request; layers are tens of megabytes over whatever line there is. */
const REGISTRY_TIMEOUT_MS = 10 * 60_000;

export interface PushOptions {
  /** No TLS. Always so for localhost. */
  plainHttp: boolean;
  env: Record<string, string | undefined>;
  onProgress: (line: string) => void;
}

interface Connection {
  send(method: string, url: string, request?: { headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> }): Promise<Response>;
}

async function failure(response: Response, what: string): Promise<Error> {
  const text = (await response.text()).slice(0, 500).trim();
  return new Error(`the registry refused ${what}: ${response.status} ${response.statusText}${text === '' ? '' : `: ${text}`}`);
}

/** `Bearer realm="…",service="…"` → its parameters. */
function challengeOf(header: string): { scheme: string; parameters: Record<string, string> } {
  const [scheme = ''] = header.split(' ', 1);
  const parameters: Record<string, string> = {};
  for (const [, key, value] of header.matchAll(/(\w+)="([^"]*)"/g)) if (key !== undefined && value !== undefined) parameters[key] = value;
  return { scheme: scheme.toLowerCase(), parameters };
}

async function authorize(challenge: string, reference: Reference, basic: string | undefined): Promise<string> {
  const { scheme, parameters } = challengeOf(challenge);
  if (scheme === 'basic') {
    if (basic === undefined) throw new Error(`the registry ${reference.registry} wants a login: run docker login ${reference.registry}`);
    return `Basic ${basic}`;
  }
  if (scheme !== 'bearer' || parameters['realm'] === undefined)
    throw new Error(`the registry ${reference.registry} asks for an authentication that is not known here: ${challenge}`);
  const url = new URL(parameters['realm']);
  if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
  url.searchParams.set('scope', `repository:${reference.repository}:pull,push`);
  const response = await fetch(url, {
    headers: basic === undefined ? {} : { authorization: `Basic ${basic}` },
    signal: AbortSignal.timeout(REGISTRY_TIMEOUT_MS),
  });
  if (!response.ok) throw await failure(response, 'the login');
  const answer: unknown = await response.json();
  const token = typeof answer === 'object' && answer !== null ? (Reflect.get(answer, 'token') ?? Reflect.get(answer, 'access_token')) : undefined;
  if (typeof token !== 'string') throw new Error('the registry gave no token for the login');
  return `Bearer ${token}`;
}

function connect(reference: Reference, env: PushOptions['env']): Connection {
  let authorization: string | undefined;
  const once = (method: string, url: string, request: Parameters<Connection['send']>[2]) =>
    fetch(url, {
      method,
      headers: { ...request?.headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(request?.body === undefined ? {} : { body: request.body }),
      signal: AbortSignal.timeout(REGISTRY_TIMEOUT_MS),
    });
  return {
    async send(method, url, request) {
      const response = await once(method, url, request);
      const challenge = response.headers.get('www-authenticate');
      if (response.status !== 401 || challenge === null) return response;
      await response.body?.cancel();
      authorization = await authorize(challenge, reference, await registryCredentials(reference.registry, env));
      return once(method, url, request);
    },
  };
}

/** Pushes every blob, each platform's manifest, and what the tag points at. Throws a sentence where the registry refuses. */
export async function pushImage(image: Image, reference: Reference, options: PushOptions): Promise<void> {
  const host = reference.registry.replace(/:\d+$/, '');
  const plain = options.plainHttp || host === 'localhost' || host.startsWith('127.') || host === '[::1]';
  const base = `${plain ? 'http' : 'https'}://${reference.registry}/v2/${reference.repository}`;
  const connection = connect(reference, options.env);

  const pushBlob = async (bytes: Buffer, digest: string): Promise<void> => {
    const there = await connection.send('HEAD', `${base}/blobs/${digest}`);
    if (there.ok) return options.onProgress(`${digest.slice(7, 19)}: already there`);
    const begun = await connection.send('POST', `${base}/blobs/uploads/`, { headers: { 'content-length': '0' } });
    const location = begun.headers.get('location');
    if (begun.status !== 202 || location === null) throw await failure(begun, 'an upload');
    await begun.body?.cancel();
    const url = new URL(location, `${base}/blobs/uploads/`);
    url.searchParams.set('digest', digest);
    const done = await connection.send('PUT', url.href, { headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array(bytes) });
    if (done.status !== 201) throw await failure(done, `the blob ${digest}`);
    await done.body?.cancel();
    options.onProgress(`${digest.slice(7, 19)}: pushed (${(bytes.length / 1e6).toFixed(1)} MB)`);
  };
  const pushManifest = async (bytes: Buffer, mediaType: string, name: string): Promise<void> => {
    const done = await connection.send('PUT', `${base}/manifests/${name}`, { headers: { 'content-type': mediaType }, body: new Uint8Array(bytes) });
    if (done.status !== 201) throw await failure(done, `the manifest ${name}`);
    await done.body?.cancel();
  };

  for (const { config, layers, manifest } of image.platforms) {
    for (const blob of [...layers, config]) await pushBlob(blob.bytes, blob.digest);
    if (image.platforms.length > 1) await pushManifest(manifest.bytes, MEDIA_TYPE.manifest, digestOf(manifest.bytes));
  }
  await pushManifest(image.topBytes, image.top.mediaType, reference.tag);
}
