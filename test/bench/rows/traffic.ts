/** Bytes and requests: out of the workstation, to it through an intercept, and past an agent. */
import { type Target as Bound, bulkSample, latencySample, type Row, requestSample, type Variant } from '../measure.ts';
import type { Target, Task } from '../programs/client.ts';
import { type Desk, FORWARDED, service } from '../scene.ts';
import type { Effort, Group, MakeGroup } from './group.ts';

/** A way to be measured: who asks, and what. */
interface Way {
  name: string;
  from: 'pod' | 'workstation';
  to: () => Target | Promise<Target>;
  /** Prefix of the pods whose agents count. */
  pods?: string;
}

const OURS_OUT: Way = { name: 'ours', from: 'workstation', to: () => service('plain') };
const INTERCEPTED: Way = { name: 'ours', from: 'pod', to: () => service('app') };
const FORWARD: Way = { name: 'port-forward', from: 'workstation', to: () => FORWARDED };
const IDLE: Way = { name: 'ours', from: 'pod', to: () => service('idle'), pods: 'idle-' };
const NO_AGENT: Way = { name: 'no agent', from: 'pod', to: () => service('plain'), pods: 'idle-' };

interface Load {
  group: string;
  desk: Desk;
  effort: Effort;
  ways: Way[];
}

interface Extra {
  target?: Bound;
  original?: string;
}

function row({ group, desk, ways }: Load, title: string, unit: string, run: (way: Way) => Variant['run'], extra: Extra & Partial<Row>): Row {
  return { group, title, unit, rtt: desk.rtt, variants: ways.map((way) => ({ name: way.name, run: run(way) })), ...extra };
}

/** Requests a second over connections that stay, or over a new one each. */
function requests(load: Load, mode: 'keepalive' | 'fresh', clients: number, extra: Extra = {}): Row {
  const { desk, effort } = load;
  // A bare stream costs an upgrade, which is no ordinary connection.
  const ways = mode === 'fresh' ? load.ways.filter(({ name }) => name !== 'bare') : load.ways;
  const title = `${mode === 'fresh' ? 'new connections' : 'keep-alive'}, c${clients}`;
  const run = (way: Way) => async () =>
    requestSample(await desk.perform(way.from, { mode, target: await way.to(), clients, seconds: effort.seconds }, way.pods));
  return row({ ...load, ways }, title, 'per s', run, { cpuUnit: 'µs a request', ...extra });
}

/** The median of one request's time. */
function latency(load: Load, mode: 'keepalive' | 'fresh', extra: Extra = {}): Row {
  const { desk, effort } = load;
  const ways = mode === 'fresh' ? load.ways.filter(({ name }) => name !== 'bare') : load.ways;
  const title = `${mode === 'fresh' ? 'new connection' : 'keep-alive'}, c1, p50`;
  const run = (way: Way) => async () =>
    latencySample(await desk.perform(way.from, { mode, target: await way.to(), clients: 1, seconds: effort.seconds }, way.pods));
  return row({ ...load, ways }, title, 'ms', run, { lessIsBetter: true, ...extra });
}

function flows(load: Load, title: string, mode: 'down' | 'up', clients: number, bytes: number, extra: Extra = {}): Row {
  const { desk } = load;
  const run = (way: Way) => async () =>
    bulkSample(await desk.perform(way.from, { mode, target: await way.to(), clients, bytes: Math.ceil(bytes / clients) }, way.pods));
  return row(load, title, 'Mbit/s', run, { cpuUnit: 's per GB', ...extra });
}

/** One of a hundred small requests takes longer, while flows of another process go the same way. */
function beside(load: Load, direction: 'down' | 'up', flows: number, extra: Extra = {}): Row {
  const { desk, effort } = load;
  const run = (way: Way) => async () => {
    const target = await way.to();
    const task: Task = { mode: 'beside', target, flow: target, direction, flows, seconds: effort.seconds };
    const { result, cpu } = await desk.perform(way.from, task, way.pods);
    return latencySample({ result: { ...result, p50: result['p99'], p99: result['most'] }, cpu });
  };
  const ways = load.ways.filter(({ name }) => name !== 'bare');
  const title = `keep-alive beside ${flows === 1 ? 'one flow' : `${flows} flows`} ${direction}, c1, p99`;
  return row({ ...load, ways }, title, 'ms', run, { lessIsBetter: true, ...extra });
}

const near = (desk: Desk, extra: Extra): Extra => (desk.rtt === 0 ? extra : {});
const against = (name: string, bound: number): Bound => ({ against: name, bound });
/** Round trips that a request over a new connection may take. */
const trips = (desk: Desk, count: number): Extra => (desk.rtt === 0 ? {} : { target: { bound: desk.rtt * count } });

/** What a small request may wait, one of a hundred, beside one flow; on the delayed line for one round trip more. */
const BESIDE_BOUND_MS = 50;

export const intercepted: MakeGroup = (desk, effort): Group => {
  const load: Load = { group: 'intercepted', desk, effort, ways: [INTERCEPTED, FORWARD] };
  const { bytes } = effort;
  const besideTarget: Extra = { target: { bound: BESIDE_BOUND_MS + desk.rtt } };
  return {
    before: async () => {
      await desk.connected();
      await desk.forward();
      await desk.intercept('app');
    },
    after: () => desk.leave('app'),
    rows: [
      requests(load, 'keepalive', 1, { original: desk.rtt > 0 ? '43 (RTT 20)' : '942; 0.6 of port-forward' }),
      requests(load, 'keepalive', 8, {
        ...near(desk, { target: against('port-forward', 1.2) }),
        original: desk.rtt > 0 ? '323 (RTT 20)' : '3940; 1.0 of port-forward',
      }),
      requests(load, 'fresh', 1, { original: desk.rtt > 0 ? '20 (RTT 20)' : '237; 0.7 of port-forward' }),
      requests(load, 'fresh', 8, {
        ...near(desk, { target: against('port-forward', 2) }),
        original: desk.rtt > 0 ? '156 (RTT 20)' : '609; 1.5 of port-forward',
      }),
      latency(load, 'fresh', { ...trips(desk, 1.2), original: desk.rtt > 0 ? '49.9 (RTT 20)' : '3.9' }),
      flows(load, 'one flow to the pod', 'down', 1, bytes, {
        target: against('port-forward', 1.2),
        original: desk.rtt > 0 ? '1162 (RTT 20)' : '1180; 1.4 of port-forward',
      }),
      flows(load, 'one flow from the pod', 'up', 1, bytes, {
        target: against('port-forward', 1),
        original: desk.rtt > 0 ? '1374 (RTT 20)' : '1049; 0.9 of port-forward',
      }),
      flows(load, '8 flows to the pod', 'down', 8, bytes, { original: desk.rtt > 0 ? '1142 (RTT 20)' : '1243' }),
      flows(load, '8 flows from the pod', 'up', 8, bytes, { original: desk.rtt > 0 ? '1562 (RTT 20)' : '1197' }),
      beside(load, 'down', 1, besideTarget),
      beside(load, 'up', 1, besideTarget),
      beside(load, 'down', 4),
      flows({ ...load, ways: [INTERCEPTED] }, '60 flows to the pod', 'down', 60, bytes, { original: '—' }),
    ],
  };
};

export const agent: MakeGroup = (desk, effort): Group => {
  const load: Load = { group: 'agent there, nothing intercepted', desk, effort, ways: [IDLE, NO_AGENT] };
  const { bytesInCluster: bytes } = effort;
  return {
    before: async () => {
      await desk.connected();
      await desk.intercept('idle');
      await desk.leave('idle');
    },
    after: () => Promise.resolve(),
    rows: [
      requests(load, 'keepalive', 1, { target: against('no agent', 0.5), original: '4870; 0.49 of its own' }),
      requests(load, 'keepalive', 8, { target: against('no agent', 0.5), original: '16057; 0.51 of its own' }),
      requests(load, 'fresh', 1, { target: against('no agent', 0.4), original: '894; 0.65 of its own' }),
      requests(load, 'fresh', 8, { target: against('no agent', 0.4) }),
      flows(load, 'one flow down', 'down', 1, bytes, { original: '11400; 0.82 of its own' }),
      flows(load, 'one flow up', 'up', 1, bytes, { original: '7700; 0.80 of its own' }),
    ],
  };
};

export const outbound: MakeGroup = (desk, effort): Group => {
  const bare: Way = { name: 'bare', from: 'workstation', to: () => desk.bare() };
  const load: Load = { group: 'outbound', desk, effort, ways: [OURS_OUT, FORWARD, bare] };
  const { bytes } = effort;
  const besideTarget: Extra = { target: { bound: BESIDE_BOUND_MS + desk.rtt } };
  return {
    before: async () => {
      await desk.connected();
      await desk.forward();
    },
    after: () => Promise.resolve(),
    rows: [
      latency(load, 'keepalive', { ...near(desk, { target: against('port-forward', 1.25) }), original: 'port-forward 0.60; 22.9; 53' }),
      requests(load, 'keepalive', 8, { original: 'port-forward 3847; 338; 144' }),
      requests(load, 'fresh', 1, { original: 'port-forward 320; 14; 6.3' }),
      requests(load, 'fresh', 8, { ...near(desk, { target: against('port-forward', 4) }), original: 'port-forward 413; 114; 49' }),
      latency(load, 'fresh', { ...trips(desk, 1.2), original: 'port-forward 2.9; 69; 159' }),
      flows(load, 'one flow down', 'down', 1, bytes, { target: against('port-forward', 1.5), original: 'port-forward 848; 1130; 1173' }),
      flows(load, 'one flow up', 'up', 1, bytes, { target: against('port-forward', 1.5), original: 'port-forward 1198; 1077; 1153' }),
      flows(load, '8 flows down', 'down', 8, bytes, { original: 'port-forward 780; 976; 1123' }),
      flows(load, '8 flows up', 'up', 8, bytes, { original: 'port-forward 1335; 1263; 1444' }),
      beside(load, 'down', 1, besideTarget),
      beside(load, 'up', 1, besideTarget),
      beside(load, 'down', 4),
    ],
  };
};
