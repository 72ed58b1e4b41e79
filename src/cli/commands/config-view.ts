import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DaemonApi } from '../../protocol/daemon-api.ts';
import { clusterParams } from '../cluster-params.ts';
import type { CommandSpec, Context } from '../command.ts';
import { KUBE_FLAGS } from '../flags.ts';

export const command: CommandSpec = {
  name: 'config view',
  summary: 'View the configuration',
  ownObject: true,
  flags: [{ flags: '-c, --client-only', description: "only what stands in the client's file" }, ...KUBE_FLAGS],
  async run(context) {
    const { config, file, logDir } = await view(context);
    const { stringify } = await import('yaml');
    const shown = context.options.on('client-only') ? config : { ...config, configFile: file, logDir };
    await context.output.result(shown, stringify(shown, { lineWidth: 0 }).trimEnd());
    return 0;
  },
};

/** The daemon knows the kubeconfig's part as well; without it the file and the defaults are what there is. */
async function view(context: Context): Promise<DaemonApi['configView']['result']> {
  const { options, paths, io } = context;
  const clientOnly = options.on('client-only');
  if (!clientOnly && existsSync(paths.daemonSocket)) return await context.call('configView', clusterParams(context));
  const { configView, readConfigFile, resolveConfig } = await import('../../config/index.ts');
  const given = options.text('config');
  const file = given === undefined ? paths.configFile : resolve(io.cwd, given);
  const layer = await readConfigFile(file, { mustExist: given !== undefined });
  for (const warning of layer.warnings) context.output.warn(warning);
  return { config: clientOnly ? layer.values : configView(resolveConfig([layer])), file, logDir: paths.logDir };
}
