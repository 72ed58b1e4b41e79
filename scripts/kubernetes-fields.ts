/**
 * Writes down by which numbers the fields of the built-in kinds go over the wire, and which of them a real server leaves out when they
 * are empty, `src/sandbox/api/schema/fields.json`, from the published types:
 *
 *   node scripts/kubernetes-fields.ts $(go list -m -f '{{.Dir}}' k8s.io/api k8s.io/apimachinery)
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { builtInTypes } from '../src/sandbox/api/resources/table.ts';
import { DEFINITIONS } from '../src/sandbox/api/schema/built-in.ts';

interface Field {
  name: string;
  /** `[]` for a list, `{}` for a map. */
  form: string;
  type: string;
  number: number;
}

const messages = new Map<string, Field[]>();
/** Struct → field → whether it is held as a value: `v`, left out when it is empty; `V`, never left out. Others are pointers. */
const held = new Map<string, Map<string, string>>();
for (const folder of process.argv.slice(2)) {
  for (const file of globSync('**/generated.proto', { cwd: folder })) read(path.join(folder, file));
  for (const file of globSync('**/types.go', { cwd: folder })) readTypes(path.join(folder, file), packageOf(folder, file));
}

/** `…/k8s.io/api@v1/apps/v1/types.go` is of the package `k8s.io.api.apps.v1`. */
function packageOf(folder: string, file: string): string {
  const module = path.basename(folder).replace(/@.*/, '');
  return ['k8s.io', module, ...path.dirname(file).split('/')].join('.');
}

function readTypes(file: string, where: string): void {
  let struct = new Map<string, string>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const named = /^type (\w+) struct/.exec(line);
    if (named !== null) {
      struct = new Map();
      held.set(`${where}.${named[1] ?? ''}`, struct);
    }
    const field = /^\t\w+\s+(\S+)\s+`.*?json:"(\w+)(,omitempty)?([^"]*)"/.exec(line);
    // A struct that is left out when it is empty is as good as a pointer.
    if (field !== null && !field[1]?.startsWith('*') && field[4] !== ',omitzero') struct.set(field[2] ?? '', field[3] === undefined ? 'V' : 'v');
    // Embedded ones: `metav1.ObjectMeta`.
    const embedded = /^\t[\w.]+\s+`json:"(\w+)(,omitempty)?[^"]*"/.exec(line);
    if (embedded !== null) struct.set(embedded[1] ?? '', 'v');
  }
}

function read(file: string): void {
  let where = '';
  let message = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const named = /^package (.*);/.exec(line) ?? /^message (\w+)/.exec(line);
    if (named !== null && line.startsWith('package')) where = named[1] ?? '';
    else if (named !== null) {
      message = `${where}.${named[1] ?? ''}`;
      messages.set(message, []);
    }
    const field = /^ {2}(optional |repeated |required )?(map<string, ?[\w.]+>|[\w.]+) (\w+) = (\d+)/.exec(line);
    if (field === null) continue;
    const [, many, type = '', name = '', number] = field;
    messages
      .get(message)
      ?.push({ form: many === 'repeated ' ? '[]' : type.startsWith('map<') ? '{}' : '', type: qualified(type, where), name, number: Number(number) });
  }
}

/** A leading dot is left out, a name without a package belongs to the file's own. */
function qualified(type: string, where: string): string {
  const bare = type.replace(/^map<string, ?([\w.]+)>$/, '$1').replace(/^\./, '');
  if (/^(string|bytes|bool|int32|int64|uint32|uint64|double|float)$/.test(bare) || bare.startsWith('k8s.io.')) return bare;
  return `${where}.${bare}`;
}

const apiName = (message: string) => message.replace(/^k8s\.io\./, 'io.k8s.');
/** Those whose JSON is not an object of their fields: the decoder knows them. */
const SPECIAL = new Set(['Quantity', 'IntOrString', 'Time', 'MicroTime', 'FieldsV1', 'RawExtension', 'JSON', 'Duration', 'ExtraValue']);
const tables = new Map<string, Record<number, [string, string, string?]>>();

function write(message: string): void {
  const fields = messages.get(message);
  if (fields === undefined || tables.has(apiName(message))) return;
  const out: Record<number, [string, string, string?]> = {};
  tables.set(apiName(message), out);
  const known = DEFINITIONS[apiName(message)]?.properties;
  for (const { name: written, form, type, number } of fields) {
    // A few were written down with a capital.
    const lower = `${written.slice(0, 1).toLowerCase()}${written.slice(1)}`;
    const name = known?.[written] === undefined && known?.[lower] !== undefined ? lower : written;
    const word = type.split('.').at(-1) ?? '';
    const special = SPECIAL.has(word);
    // What JSON has among the fields of the outer one is in a message of its own on the wire, with the name of its type.
    const inline = known !== undefined && known[name] === undefined && (name === 'handler' || name === `${word.slice(0, 1).toLowerCase()}${word.slice(1)}`);
    const value = held.get(message)?.get(name);
    const row: [string, string] = [inline ? '' : name, form + (special ? word : apiName(type))];
    out[number] = value === undefined ? row : [...row, value];
    if (!special) write(type);
  }
}

const wanted = [
  ...builtInTypes(),
  { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  { group: 'policy', version: 'v1', kind: 'Eviction' },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
];
for (const { group, version, kind } of wanted) {
  const folder = group === '' ? 'core' : (group.split('.')[0] ?? '');
  write(`k8s.io.api.${folder}.${version}.${kind}`);
}
write('k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions');

const lines = [...tables].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => `${JSON.stringify(name)}: ${JSON.stringify(fields)}`);
writeFileSync(path.join(import.meta.dirname, '../src/sandbox/api/schema/fields.json'), `{\n${lines.join(',\n')}\n}\n`);
