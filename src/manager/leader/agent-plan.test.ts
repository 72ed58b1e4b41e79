import type { Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { type PlanFacts, planAgentConfig } from './agent-plan.ts';
import { deployment, service, workload } from './fixtures.ts';
import { findPodPort, servedPorts, type WantedPort } from './ports.ts';

const free: PlanFacts = { manager: 'ambassador', firstPort: 9900, netAdminRefused: false, portBlockedBy: undefined };
const strict: PlanFacts = { ...free, netAdminRefused: true };
const web: WantedPort = { service: 'web', number: 80, protocol: 'TCP' };

function plan(services: Service[], wanted: WantedPort, facts = free, existing?: AgentConfig, of = workload()) {
  const port = findPodPort(of, services, wanted);
  if ('reason' in port) throw new Error(port.message);
  return planAgentConfig(of, servedPorts(of, services), [port], existing, facts);
}

describe('how a port is taken', () => {
  it.each([
    ['a named port by its name', service(), free, { mode: 'named', name: 'http', agentPort: 9900 }],
    ['a named port, where NET_ADMIN is refused', service(), strict, { mode: 'named', name: 'http' }],
    ['a numeric port by a redirect, with a port for probes', service({ targetPort: 8080 }), free, { mode: 'redirect', agentPort: 9900, probePort: 9901 }],
    ['a numeric port by a patch of the Service, where NET_ADMIN is refused', service({ targetPort: 8080 }), strict, { mode: 'patched', name: 'tp-8080' }],
    ['a headless port by a redirect', service({}, { clusterIP: 'None' }), free, { mode: 'redirect' }],
    ['a port a policy names by a redirect', service(), { ...free, portBlockedBy: 'deny' }, { mode: 'redirect' }],
  ] as const)('%s', (_, one, facts, expected) => {
    expect(plan([one], web, facts)).toMatchObject({
      changed: true,
      config: { healthPort: 9899, ports: [{ container: 'web', containerPort: 8080, protocol: 'TCP', ...expected }] },
    });
  });

  it.each([
    ['a headless Service', service({}, { clusterIP: 'None' }), strict, /Service web is headless/],
    ['a policy', service(), { ...strict, portBlockedBy: 'deny' }, /NetworkPolicy deny/],
  ] as const)('not at all where NET_ADMIN is refused, and says why: %s', (_, one, facts, message) => {
    expect(plan([one], web, facts)).toEqual({ refused: expect.stringMatching(message) });
  });

  it('by a redirect when one Service names it and another numbers it', () => {
    expect(plan([service(), service({ targetPort: 8080, port: 81 }, {}, 'web2')], web)).toMatchObject({ config: { ports: [{ mode: 'redirect' }] } });
  });

  it('UDP needs no port for probes, and shares a number with TCP', () => {
    const dns = service({ name: 'dns', port: 53, targetPort: 8080, protocol: 'UDP' }, {}, 'dns');
    expect(plan([service({ targetPort: 8080 }), dns], { service: 'dns', number: 53, protocol: 'UDP' })).toMatchObject({
      config: {
        ports: [
          { protocol: 'UDP', agentPort: 9900 },
          { protocol: 'TCP', agentPort: 9901, probePort: 9902 },
        ],
      },
    });
  });
});

describe('the config', () => {
  const two = workload(
    deployment(
      {},
      {
        containers: [
          { name: 'web', ports: [{ name: 'http', containerPort: 8080 }] },
          { name: 'side', ports: [{ name: 'admin', containerPort: 9900 }] },
        ],
      },
    ),
  );
  const admin = service({ name: 'admin', port: 81, targetPort: 'admin' }, {}, 'admin');

  it('has every port that Services lead to, and takes no port that a container has', () => {
    expect(plan([service(), admin], web, free, undefined, two)).toMatchObject({
      config: {
        ports: [
          { container: 'side', containerPort: 9900, agentPort: 9901 },
          { container: 'web', containerPort: 8080, agentPort: 9902 },
        ],
      },
    });
  });
  it('is not changed for a second port of it', () => {
    const first = plan([service(), admin], web, free, undefined, two);
    if ('refused' in first) throw new Error(first.refused);
    expect(plan([service(), admin], { service: 'admin', number: 81, protocol: 'TCP' }, free, first.config, two)).toEqual({
      config: first.config,
      changed: false,
    });
  });
  it('keeps the numbers it has when a port is added', () => {
    const first = plan([service()], web, free, undefined, two);
    if ('refused' in first) throw new Error(first.refused);
    const next = plan([service(), admin], { service: 'admin', number: 81, protocol: 'TCP' }, free, first.config, two);
    expect(next).toMatchObject({
      changed: true,
      config: {
        ports: [
          { container: 'side', agentPort: 9902 },
          { container: 'web', agentPort: first.config.ports[0]?.agentPort },
        ],
      },
    });
  });
  it('takes a container port without a Service by a redirect', () => {
    expect(plan([], { service: undefined, number: 8080, protocol: 'TCP' })).toMatchObject({ config: { ports: [{ mode: 'redirect', containerPort: 8080 }] } });
  });
  it('stays patched after the Service was patched', () => {
    const first = plan([service({ targetPort: 8080 })], web, strict);
    if ('refused' in first) throw new Error(first.refused);
    expect(plan([service({ targetPort: 'tp-8080' })], web, strict, first.config)).toEqual({ config: first.config, changed: false });
  });
});

describe('what is not there', () => {
  it.each([
    [{ ...web, service: 'nope' }, [service()], 'NoService', /no Service nope/],
    [web, [service({}, { selector: { app: 'other' } })], 'NoService', /does not select/],
    [{ ...web, number: 81 }, [service()], 'NoPort', /no port 81/],
    [web, [service({ targetPort: 'grpc' })], 'NoPort', /port named grpc/],
  ] as const)('%#', (wanted, services, reason, message) => {
    expect(findPodPort(workload(), services, wanted)).toEqual({ reason, message: expect.stringMatching(message) });
  });
});
