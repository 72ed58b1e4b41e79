/** What expressions and webhooks are told of a request. */
import { randomUUID } from 'node:crypto';
import { userObject } from '../../access/index.ts';
import type { AdmissionAttributes, Authorizer } from '../../contract.ts';
import type { Namespace } from '../store.ts';
import { Question } from './authorizer.ts';
import { type Activation, celValue } from './evaluate.ts';

/** The `request` of an AdmissionReview, without its objects. */
export function requestOf(attributes: AdmissionAttributes): Record<string, unknown> {
  const { type, subresource, operation, namespace, name, user, dryRun, options } = attributes;
  const { group, version, kind, plural } = type;
  const resource = { group, version, resource: plural };
  const sub = subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    uid: randomUUID(),
    kind: { group, version, kind },
    resource,
    requestKind: { group, version, kind },
    requestResource: resource,
    ...sub,
    ...(name === undefined || name === '' ? {} : { name }),
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userObject(user),
    dryRun,
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

export function activationOf(attributes: AdmissionAttributes, authorizer: Authorizer, namespace: Namespace | undefined): Activation {
  const { type, subresource, name, object, oldObject, user } = attributes;
  const resource = {
    group: type.group,
    resource: type.plural,
    ...(subresource === undefined ? {} : { subresource }),
    ...(attributes.namespace === undefined ? {} : { namespace: attributes.namespace }),
    ...(name === undefined ? {} : { name }),
  };
  return {
    object: celValue(object),
    oldObject: celValue(oldObject),
    // In expressions a request without a namespace or name has empty ones.
    request: celValue({ name: '', namespace: '', subResource: '', ...requestOf(attributes) }),
    namespaceObject: celValue(namespace),
    authorizer: new Question(authorizer, user, {}, resource),
  };
}

interface MatchCondition {
  name: string;
  expression: string;
}

/**
 * Whether all conditions hold. A false one decides; else an error does, as the failure policy says.
 * @throws {Error} naming the first condition that failed, where none was false.
 */
export function conditionsHold(conditions: MatchCondition[] | undefined, evaluate: (expression: string) => unknown): boolean {
  let failure: Error | undefined;
  for (const { name, expression } of conditions ?? []) {
    try {
      if (evaluate(expression) !== true) return false;
    } catch (error) {
      failure ??= new Error(`expression '${expression}' resulted in error: ${error instanceof Error ? error.message : String(error)}`, { cause: name });
    }
  }
  if (failure !== undefined) throw failure;
  return true;
}
