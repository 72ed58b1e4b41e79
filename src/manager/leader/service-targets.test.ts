import { expect, it } from 'vitest';
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { pod, service } from './fixtures.ts';
import { targetChanges } from './service-targets.ts';
import { isReady } from './workload.ts';

const config: AgentConfig = {
  version: 1,
  workload: { kind: 'Deployment', name: 'web', namespace: 'shop' },
  manager: 'ambassador',
  healthPort: 9899,
  ports: [{ container: 'web', containerPort: 8080, protocol: 'TCP', mode: 'patched', name: 'tp-8080', agentPort: 9900 }],
};
const [plain, patched] = [service({ targetPort: 8080 }), service({ targetPort: 'tp-8080' })];
const withAgent = (name: string, more = {}) => pod(name, { config: 'c', ports: ['tp-8080'], ...more });
const to = (one = plain, pods = [withAgent('a')], configs = [config]) => targetChanges(one, pods, configs, isReady).map((change) => change.to);

it.each([
  ['becomes the name when every ready pod has it', to(), ['tp-8080']],
  ['waits for a ready pod that has not', to(plain, [withAgent('a'), pod('b')]), []],
  ['does not wait for one that is not ready, or ends', to(plain, [withAgent('a'), pod('b', { ready: false }), pod('c', { ending: true })]), ['tp-8080']],
  ['stays the number where no agent wants it', to(plain, [withAgent('a')], []), []],
  ['stays the name while all have it', to(patched), []],
  ['becomes the number again when a ready pod without it appears', to(patched, [withAgent('a'), pod('b')]), [8080]],
  ['becomes the number again before agents go', to(patched, [withAgent('a')], []), [8080]],
  ['becomes the number again with no pod left', to(patched, []), [8080]],
  ['is not touched where it is a name of the app', to(service({ targetPort: 'http' })), []],
])('targetPort %s', (_, changes, expected) => {
  expect(changes).toEqual(expected);
});
