/** The small part of JSONPath that columns and selectable fields are written in: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. */
import { isObject } from '../object.ts';

type Step = (values: unknown[]) => unknown[];

const TOKEN = /^(?:\.((?:\\.|[^.[\\])+)|\[['"]([^'"]+)['"]\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([^=!)\s]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*\)\])/;

const field =
  (key: string): Step =>
  (values) =>
    values.flatMap((value) => (isObject(value) && value[key] !== undefined ? [value[key]] : []));

/** @returns all that is found; undefined for a path that is not understood. */
export function compileJsonPath(path: string): ((value: unknown) => unknown[]) | undefined {
  const steps: Step[] = [];
  let rest = path.replace(/^\{(.*)\}$/, '$1').replace(/^\$/, '');
  if (rest !== '' && !/^[.[]/.test(rest)) rest = `.${rest}`;
  while (rest !== '' && rest !== '.') {
    const match = TOKEN.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    const [, name, quoted, index, star, key, double, single, plain] = match;
    if (name !== undefined) steps.push(field(name.replaceAll(/\\(.)/g, '$1')));
    else if (quoted !== undefined) steps.push(field(quoted));
    else if (index !== undefined)
      steps.push((values) => values.flatMap((value) => (Array.isArray(value) && value[Number(index)] !== undefined ? [value[Number(index)] as unknown] : [])));
    else if (star !== undefined)
      steps.push((values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [])));
    else {
      const wanted = double ?? single ?? plain ?? '';
      const keys = (key ?? '').split('.').map(field);
      const is = (item: unknown) => keys.reduce<unknown[]>((found, step) => step(found), [item]).some((found) => String(found) === wanted);
      steps.push((values) => values.flatMap((value) => (Array.isArray(value) ? value.filter(is) : [])));
    }
  }
  return (value) => steps.reduce<unknown[]>((values, step) => step(values), [value]);
}
