/** The manager's own code in a process of its own, against the API server that its parent tells; says its ports, and its memory when asked. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLog } from '../../src/base/log.ts';
import { createKubeClient, type KubeConnection } from '../../src/kube/index.ts';
import { startInjector } from '../../src/manager/injector/index.ts';
import { startLeader } from '../../src/manager/leader/index.ts';
import { startDns } from '../../src/manager/main.ts';
import { startManager } from '../../src/manager/manager.ts';
import { parseManagerEnv, parseSettings } from '../../src/manager/settings.ts';
import { startThrift } from '../../src/manager/thrift.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const log = createLog((line) => process.stderr.write(line), 'error');
process.once('message', (connection: KubeConnection) => {
  const kube = createKubeClient(connection, { log });
  const env = parseManagerEnv({ TELEPRESENCE_NAMESPACE: 'ambassador', TELEPRESENCE_POD: 'mgr-1', TELEPRESENCE_POD_IP: '10.244.0.1' });
  const settings = parseSettings(JSON.stringify({ ports: { tunnel: 0, agents: 0, webhook: 0, health: 0 }, cluster: { dnsAddress: '10.96.0.10' } }));
  void startManager({ kube, env, settings, resolvConf: '/etc/resolv.conf', log, startDns, parts: [startLeader, startInjector, startThrift] }).then(
    ({ ports, context }) => {
      process.on('message', (what) => {
        if (what === 'collect') collect();
        process.send?.({ memory: process.memoryUsage(), counts: context.sessions.counts(), agents: context.agents.list().length });
      });
      process.send?.({ ports, ca: context.tls.caCertificate });
    },
  );
});
process.on('disconnect', () => process.exit(0));
