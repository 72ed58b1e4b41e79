/** What a user waits for: the commands, DNS, and an intercept's beginning and end. */
import { latencySample, plainSample, type Row } from '../measure.ts';
import { type Desk, LITTLE, LOCAL_PORT, NAMESPACE, service } from '../scene.ts';
import { type Group, type MakeGroup, shared } from './group.ts';

const connect = ['telepresence', 'connect', '-n', NAMESPACE];
const quit = ['telepresence', 'quit', '-s'];

function commandRow(desk: Desk, title: string, run: () => Promise<number>, bound: number | undefined, original: string): Row {
  const variants = [{ name: 'ours', run: async () => plainSample(await run()) }];
  const row: Row = { group: 'commands', title, unit: 'ms', rtt: desk.rtt, lessIsBetter: true, variants, original };
  return bound === undefined || desk.rtt > 0 ? row : { ...row, target: { bound } };
}

async function once(desk: Desk, command: string[]): Promise<number> {
  return (await desk.time(command))[0] ?? Number.NaN;
}

export const commands: MakeGroup = (desk): Group => {
  const far = desk.rtt > 0;
  return {
    before: async () => {
      // compiles what later starts find compiled
      await desk.connected();
    },
    after: () => desk.connected(),
    rows: [
      commandRow(desk, '`version`', () => once(desk, ['telepresence', 'version']), 120, '65 ms'),
      commandRow(
        desk,
        '`connect`, no daemon yet',
        async () => {
          await desk.workstation.ok(['quit', '-s']);
          return once(desk, connect);
        },
        1_200,
        far ? '1770 ms (RTT 20)' : '1220 ms',
      ),
      commandRow(desk, '`connect`, connected already', () => once(desk, connect), undefined, far ? '120 ms (RTT 20)' : '66 ms'),
      commandRow(
        desk,
        '`quit -s`',
        async () => {
          await desk.connected();
          return once(desk, quit);
        },
        400,
        far ? '370 ms (RTT 20)' : '320 ms',
      ),
    ],
  };
};

const zone = `${NAMESPACE}.svc.cluster.local`;

export const dns: MakeGroup = (desk): Group => {
  let server = '';
  const row = (title: string, names: string[], count: number, bound: number | undefined, original: string): Row => ({
    group: 'DNS',
    title,
    unit: 'ms p50',
    rtt: desk.rtt,
    lessIsBetter: true,
    original,
    ...(bound === undefined || desk.rtt > 0 ? {} : { target: { bound } }),
    variants: [{ name: 'ours', run: async () => latencySample(await desk.perform('workstation', { mode: 'dns', server, names, count })) }],
  });
  return {
    before: async () => {
      await desk.connected();
      const { stdout } = await desk.workstation.shell('cat /etc/resolv.conf');
      server = /^nameserver (\S+)/m.exec(stdout)?.[1] ?? '';
    },
    after: () => Promise.resolve(),
    rows: [
      row('one name again', [`plain.${zone}`], 1_000, 0.2, desk.rtt > 0 ? '0.16 (RTT 20)' : '0.11'),
      row(
        'services in turn',
        [`plain.${zone}`, `idle.${zone}`, `app.${zone}`, `bare.${zone}`, 'kubernetes.default.svc.cluster.local'],
        1_000,
        undefined,
        desk.rtt > 0 ? '0.13 (RTT 20)' : '0.16',
      ),
      row('missing names', [`missing-%.${zone}`], 100, 3, desk.rtt > 0 ? '24 (RTT 20)' : '2.0'),
    ],
  };
};

const WATCHED_S = 9;

/** How long the pod's requests still reached somebody else after `since`. */
function lastElsewhere(seen: { start: number; end: number; who: string }[], since: number): number {
  const elsewhere = seen.filter(({ who }) => who !== 'local').map(({ start }) => start);
  return Math.max(since, ...elsewhere) - since;
}

export const intercepts: MakeGroup = (desk, effort): Group => {
  const returned = shared();
  const lost = shared();
  const left = shared();
  let number = 0;
  const used: string[] = [];
  const command = (name: string): string[] => ['telepresence', 'intercept', name, '--port', `${LOCAL_PORT}:http`, '--mount=false'];

  /** Milliseconds until only the workstation's process answers. */
  async function first(): Promise<number> {
    const name = `first${desk.rtt}-${number++}`;
    used.push(name);
    await desk.scene.servers([name]);
    const watching = desk.scene.fromPod({ mode: 'watch', target: service(name), seconds: WATCHED_S, everyMs: 20 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const since = Date.now();
    returned.put(await once(desk, command(name)));
    const seen = (await watching)['seen'] as { start: number; end: number; who: string }[];
    lost.put(seen.filter(({ who }) => who === '-').length);
    await desk.leave(name);
    return lastElsewhere(seen, since);
  }

  async function many(): Promise<number> {
    const names = Array.from({ length: effort.many }, () => `first${desk.rtt}-${number++}`);
    used.push(...names);
    await desk.scene.servers(names, LITTLE);
    let sum = 0;
    for (const name of names) {
      sum += await once(desk, command(name));
      // two may not have the same local port
      await desk.leave(name);
    }
    return sum;
  }

  const row = (title: string, run: () => Promise<number> | number, original: string, bound?: number): Row =>
    commandRow(desk, title, async () => run(), bound, original);
  const far = desk.rtt > 0;
  return {
    before: async () => {
      await desk.connected();
      await desk.local();
      await desk.intercept('idle');
      await desk.leave('idle');
    },
    after: async () => {
      if (used.length > 0) await desk.scene.withoutServers(used);
    },
    rows: [
      row('first intercept until only the local process answers', first, far ? '3900 ms (RTT 20)' : '4500 ms', 4_000),
      row('first intercept: command returns', () => returned.take(), far ? '1070 ms (RTT 20; 3 s early)' : '870 ms (3 s early)'),
      { ...row('first intercept: requests lost', () => lost.take(), '—'), unit: 'of 450' },
      row(
        'intercept again',
        async () => {
          const ms = await once(desk, command('idle'));
          left.put(await once(desk, ['telepresence', 'leave', 'idle']));
          return ms;
        },
        far ? '170 ms (RTT 20)' : '120 ms',
        150,
      ),
      row('`leave`', () => left.take(), '120 ms'),
      ...(effort.many > 0 && !far ? [{ ...row(`${effort.many} first intercepts, one after the other`, many, '18900 ms for 20'), rounds: 1 }] : []),
    ],
  };
};
