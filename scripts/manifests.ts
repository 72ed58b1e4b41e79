/**
 * `npm run manifests`: prints what the installer would apply, as a YAML stream, for `kubectl apply --server-side -f -`.
 * `node scripts/manifests.ts [--namespace NS] [--create-namespace] [--set KEY=VALUE]… [--values FILE]…`
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { withImageWishes } from '../src/install/image-name.ts';
import { mergeValues, parseSetting, readValues } from '../src/install/merge-values.ts';
import { renderManifests } from '../src/install/render.ts';
import { parseValues } from '../src/install/values.ts';

const { values: args } = parseArgs({
  options: {
    namespace: { type: 'string', short: 'n', default: 'ambassador' },
    'create-namespace': { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    values: { type: 'string', short: 'f', multiple: true, default: [] },
  },
});

let input: Record<string, unknown> = {};
for (const file of args.values) input = mergeValues(input, readValues(await readFile(file, 'utf8'), file));
for (const setting of args.set) input = mergeValues(input, parseSetting(setting));
const values = withImageWishes(parseValues(input), { environment: process.env['TELEPRESENCE_IMAGE'] });
const objects = renderManifests(values, { namespace: args.namespace, createNamespace: args['create-namespace'] });
process.stdout.write(objects.map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`).join(''));
