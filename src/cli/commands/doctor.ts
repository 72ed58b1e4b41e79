import type { DoctorCheck } from '../../protocol/daemon-api.ts';
import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec } from '../command.ts';
import { CONNECT_FLAGS, KUBE_FLAGS } from '../flags.ts';
import { ensureDaemon } from '../launch.ts';

const WORDS: Record<DoctorCheck['state'], string> = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: '-' };

export const command: CommandSpec = {
  name: 'doctor',
  summary: 'Check the way into the cluster, or the way of a marked request through it',
  ownObject: true,
  flags: [
    { flags: '--propagation <url>', description: 'send a marked request there, and say at which service the mark was lost' },
    ...CONNECT_FLAGS,
    ...KUBE_FLAGS,
  ],
  async run(context) {
    const url = context.options.text('propagation');
    if (url !== undefined) {
      const { followMark } = await import('../propagation.ts');
      return followMark(context, url);
    }
    const params = clusterParams(context);
    await ensureDaemon(context);
    const { checks } = await context.call('doctor', params);
    const width = Math.max(...checks.map(({ name }) => name.length));
    const lines = checks.flatMap(({ name, state, detail, help }) => [
      `${name.padEnd(width)}  ${WORDS[state].padEnd(7)}  ${detail}`,
      ...(help === undefined ? [] : [`${' '.repeat(width)}           ${help}`]),
    ]);
    await context.output.result({ checks }, lines.join('\n'));
    return checks.some(({ state }) => state === 'failed') ? 1 : 0;
  },
};
