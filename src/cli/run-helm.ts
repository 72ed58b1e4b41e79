/** What the `helm` commands share: values from flags, and one call of the daemon. */
import { CodedError } from '../base/errors.ts';
import { clusterParams } from './cluster-params.ts';
import type { Context } from './command.ts';
import { readHelmValues } from './helm-values.ts';
import { ensureDaemon } from './launch.ts';

export async function runHelm(context: Context, method: 'helmInstall' | 'helmUpgrade' | 'helmUninstall' | 'helmLint'): Promise<number> {
  const { options, output, io } = context;
  const reuseValues = options.on('reuse-values');
  const resetValues = options.on('reset-values');
  if (reuseValues && resetValues) throw new CodedError('TP-USAGE', '--reuse-values and --reset-values exclude each other.');
  const cluster = clusterParams(context);
  const values = await readHelmValues(
    {
      files: options.list('values'),
      set: options.list('set'),
      json: options.list('set-json'),
      text: options.list('set-string'),
      file: options.list('set-file'),
    },
    io.cwd,
  );
  await ensureDaemon(context);
  const { message } = await context.call(method, { cluster, values, createNamespace: options.on('create-namespace'), reuseValues, resetValues });
  await output.result({ message }, message);
  return 0;
}
