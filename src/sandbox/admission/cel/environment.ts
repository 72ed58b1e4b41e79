/** The language of Kubernetes' expressions: CEL with optionals, and the functions that Kubernetes adds. */
import { Environment } from '@marcbachmann/cel-js';
import { Decision, Question } from './authorizer.ts';
import { quantityOf } from './quantity.ts';

class Quantity {
  readonly value: number;
  constructor(text: string) {
    const value = quantityOf(text);
    if (value === undefined) throw new Error('quantities must match the regular expression');
    this.value = value;
  }
}

function find(text: string, pattern: string): string[] {
  return Array.from(text.matchAll(new RegExp(pattern, 'gu')), ([match]) => match);
}
function compare(a: unknown, b: unknown): number {
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

export function createEnvironment(): Environment {
  const env = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, enableOptionalTypes: true });
  env.registerType('Authorizer', { ctor: Question, fields: { requestResource: 'dyn' } });
  env.registerType('Decision', { ctor: Decision, fields: {} });
  env.registerType('Quantity', { ctor: Quantity, fields: {} });
  env.registerVariable('authorizer', 'Authorizer');
  const on = (signature: string, handler: (...args: never[]) => unknown) => env.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  on('Authorizer.group(string): Authorizer', (asked: Question, group: string) => asked.with({ group }));
  on('Authorizer.resource(string): Authorizer', (asked: Question, resource: string) => asked.with({ resource }));
  on('Authorizer.subresource(string): Authorizer', (asked: Question, subresource: string) => asked.with({ subresource }));
  on('Authorizer.namespace(string): Authorizer', (asked: Question, namespace: string) => asked.with({ namespace }));
  on('Authorizer.name(string): Authorizer', (asked: Question, name: string) => asked.with({ name }));
  on('Authorizer.path(string): Authorizer', (asked: Question, path: string) => asked.with({ path }));
  on('Authorizer.serviceAccount(string, string): Authorizer', (asked: Question, namespace: string, name: string) => asked.as(namespace, name));
  on('Authorizer.check(string): Decision', (asked: Question, verb: string) => asked.check(verb));
  on('Decision.allowed(): bool', (decision: Decision) => decision.allowed);
  on('Decision.reason(): string', (decision: Decision) => decision.reason);
  on('string.replace(string, string): string', (text: string, from: string, to: string) => text.replaceAll(from, () => to));
  on('string.charAt(int): string', (text: string, at: bigint) => text.charAt(Number(at)));
  on('string.find(string): string', (text: string, pattern: string) => find(text, pattern)[0] ?? '');
  on('string.findAll(string): list', (text: string, pattern: string) => find(text, pattern));
  on('string.reverse(): string', (text: string) => [...text].toReversed().join(''));
  on('list.sum(): dyn', (list: (bigint | number)[]) =>
    list.reduce((sum, value) => (sum as number) + (value as number), list.length > 0 && typeof list[0] === 'number' ? 0 : 0n),
  );
  on('list.min(): dyn', (list: unknown[]) => list.toSorted(compare)[0]);
  on('list.max(): dyn', (list: unknown[]) => list.toSorted(compare).at(-1));
  on('list.isSorted(): bool', (list: unknown[]) => list.every((value, index) => index === 0 || compare(list[index - 1], value) <= 0));
  on('quantity(string): Quantity', (text: string) => new Quantity(text));
  on('isQuantity(string): bool', (text: string) => quantityOf(text) !== undefined);
  on('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value > b.value);
  on('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value < b.value);
  on('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) => BigInt(compare(a.value, b.value)));
  on('Quantity.asInteger(): int', (a: Quantity) => BigInt(Math.trunc(a.value)));
  return env;
}
