/** The credentials that `docker login` keeps: in Docker's config file, or with the helper it names. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const configSchema = z.looseObject({
  auths: z.record(z.string(), z.looseObject({ auth: z.string().optional() })).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});
const helperAnswer = z.looseObject({ Username: z.string(), Secret: z.string() });

/** Docker keeps its own hub under this name. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = new Set(['docker.io', 'registry-1.docker.io', 'index.docker.io']);

function askHelper(helper: string, registry: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(`docker-credential-${helper}`, ['get'], (error, stdout) => {
      // A helper that has nothing for a registry says so by failing on standard output; one that can't be run has a string as its code.
      if (error !== null) return typeof error.code === 'number' ? resolve(undefined) : reject(error);
      const answer = helperAnswer.parse(JSON.parse(stdout));
      resolve(Buffer.from(`${answer.Username}:${answer.Secret}`).toString('base64'));
    });
    child.stdin?.on('error', reject);
    child.stdin?.end(registry);
  });
}

/** Base64 of `user:password`, as Basic wants it; undefined without a login. */
export async function registryCredentials(registry: string, env: Record<string, string | undefined>): Promise<string | undefined> {
  const folder = env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? '', '.docker');
  let text: string;
  try {
    text = await readFile(join(folder, 'config.json'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const config = configSchema.parse(JSON.parse(text));
  const key = HUB_HOSTS.has(registry) ? HUB_KEY : registry;
  const helper = config.credHelpers[registry] ?? config.credsStore;
  if (helper !== undefined) return askHelper(helper, key);
  const entry = [key, `https://${key}`, `https://${key}/v2/`, `https://${key}/v1/`].map((name) => config.auths[name]).find((found) => found?.auth);
  return entry?.auth;
}
