/**
 * `npm run chart`: writes the parts of deploy/chart that are derived from the sources: the definitions, and the schema that makes Helm
 * refuse what the installer refuses. A test fails when they are out of date.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { customResourceDefinitions } from '../src/install/crds.ts';
import { valuesSchema } from '../src/install/values.ts';

const CHART = join(import.meta.dirname, '..', 'deploy', 'chart');

/** File in the chart → its text. */
export function derivedChartFiles(): Map<string, string> {
  const definitions = customResourceDefinitions()
    .map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 })}`)
    .join('');
  const head = '{{- /* Written by `npm run chart` from src/protocol/resources.ts. */}}\n{{- if .Values.crds.create }}\n';
  const schema = z.toJSONSchema(valuesSchema, { io: 'input', target: 'draft-7' });
  return new Map([
    ['templates/crds.yaml', `${head}${definitions}{{- end }}\n`],
    ['values.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`],
  ]);
}

if (import.meta.main) for (const [file, text] of derivedChartFiles()) await writeFile(join(CHART, file), text);
