/**
 * Runs the cloud with people, clusters and traffic that are made up, to look at its pages: `node scripts/dashboard-preview.ts [--port N]`.
 * Everything stands in memory; the links to open are printed. `--empty` begins without clusters.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { startTestCloud, TEST_PASSWORD } from '../src/cloud/testing/cloud.ts';
import { seedCloud } from '../src/cloud/testing/seed.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8088' }, empty: { type: 'boolean', default: false } } });
const port = Number(values.port);
const cloud = await startTestCloud({ url: `http://localhost:${port}`, listen: `127.0.0.1:${port}` });
const app = createServer((req, res) => res.end(`The preview of ${String(req.headers['x-telepresence-intercept-id'])}\n`));
await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
const address = app.address();
let email: string | null;
if (values.empty) ({ email } = (await cloud.person('Ada Lovelace')).user);
else {
  const seeded = await seedCloud(cloud, typeof address === 'object' ? (address?.port ?? 0) : 0);
  ({ email } = seeded.owner.user);
  setInterval(() => seeded.traffic(1), 1_000);
}
process.stdout.write(`${cloud.config.url}\n  ${email}  ${TEST_PASSWORD}\n`);
