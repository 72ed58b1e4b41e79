/** A cloud on the test's own machine, which the cluster's pods and the workstations reach: TLS under a CA of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { createTestAuthority } from '../../../src/kube/testing/certificates.ts';
import { repository } from './cluster.ts';
import { background, eventually } from './run.ts';
import type { Workstation } from './workstation.ts';

/** This machine on the network of the lab. */
export const HOST_ADDRESS = '198.18.0.2';
export const PREVIEW_DOMAIN = 'preview.edgestack.me';

export interface CloudOnHost extends AsyncDisposable {
  url: string;
  /** Path of the PEM of its CA. */
  caFile: string;
  /** What it printed for whoever started it. */
  firstLink: string;
  output: () => string;
  /** Ends it at once, as a crash does; `start` brings it back with its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function startCloudOnHost(settings: Record<string, unknown> = {}): Promise<CloudOnHost> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-cloud-'));
  const file = (name: string): string => path.join(folder, name);
  const authority = await createTestAuthority('CN=CA of the test cloud');
  const { cert, key } = await authority.issue({ subject: 'CN=test cloud', names: [HOST_ADDRESS, `*.${PREVIEW_DOMAIN}`] });
  await Promise.all([writeFile(file('ca.pem'), authority.ca), writeFile(file('cert.pem'), cert), writeFile(file('key.pem'), key, { mode: 0o600 })]);
  const url = `https://${HOST_ADDRESS}`;
  const config = {
    url,
    listen: `${HOST_ADDRESS}:443`,
    previewDomain: PREVIEW_DOMAIN,
    dataDir: folder,
    tls: { cert: file('cert.pem'), key: file('key.pem') },
    ...settings,
  };
  await writeFile(file('cloud.yaml'), stringify(config));

  let program: ReturnType<typeof background>;
  let before = '';
  const start = async (): Promise<void> => {
    program = background(process.execPath, [path.join(repository, 'bin/cloud.ts')], { env: { ...process.env, TELEPRESENCE_CLOUD_CONFIG: file('cloud.yaml') } });
    const { output } = program;
    await eventually('the cloud listens', async () => output().includes('The dashboard is at'), 15_000);
  };
  const kill = async (): Promise<void> => {
    before += program.output();
    await program[Symbol.asyncDispose]();
  };
  await start();
  const output = (): string => before + program.output();
  return {
    url,
    caFile: file('ca.pem'),
    firstLink: /https:\S+\/invitations\/\S+/.exec(output())?.[0] ?? '',
    output,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Tells the cluster's manager of a cloud, as its administrator does; with `undefined`, that there is none. */
export async function setCloud(workstation: Workstation, cloud: Pick<CloudOnHost, 'url' | 'caFile'> | undefined): Promise<void> {
  const values = cloud === undefined ? ['--set', 'cloud.url=,cloud.ca='] : ['--set', `cloud.url=${cloud.url}`, '--set-file', `cloud.ca=${cloud.caFile}`];
  await workstation.ok(['helm', 'upgrade', '--reuse-values', ...values], { timeoutMs: 120_000 });
}
