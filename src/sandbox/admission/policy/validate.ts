/** ValidatingAdmissionPolicies: expressions that every matching write must satisfy. */
import { messageOf } from '../../../base/errors.ts';
import type { AdmissionAttributes, Authorizer } from '../../contract.ts';
import { type Activation, celValue, type Evaluator } from '../cel/evaluate.ts';
import { activationOf, conditionsHold } from '../cel/request.ts';
import { isExempt, ruleMatches, selectorsMatch } from '../matching.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';
import type { Binding, MatchResources, Policy, Validation } from './objects.ts';

const CODES: Record<string, number> = { Unauthorized: 401, Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 };

export interface PolicyOptions {
  store: AdmissionStore;
  authorizer: Authorizer;
  evaluator: Evaluator;
  /** The parameters that a binding names; undefined where there are none. */
  paramsOf(policy: Policy, binding: Binding, namespace: string | undefined): Promise<unknown>;
}

async function matches(resources: MatchResources | undefined, attributes: AdmissionAttributes, store: AdmissionStore, needRules: boolean): Promise<boolean> {
  if (resources === undefined) return !needRules;
  const anyVersion = resources.matchPolicy !== 'Exact';
  const rules = resources.resourceRules ?? [];
  if (resources.excludeResourceRules?.some((rule) => ruleMatches(rule, attributes, anyVersion))) return false;
  if ((needRules || rules.length > 0) && !rules.some((rule) => ruleMatches(rule, attributes, anyVersion))) return false;
  return await selectorsMatch(resources, attributes, store);
}

/** `variables.x`, each evaluated when it is first asked for. */
function withVariables(policy: Policy, base: Activation, evaluator: Evaluator): Activation {
  const variables: Record<string, unknown> = {};
  const activation = { ...base, variables };
  for (const { name, expression } of policy.spec.variables ?? []) {
    let known: { value: unknown } | undefined;
    Object.defineProperty(variables, name, {
      enumerable: true,
      get() {
        known ??= { value: evaluator.evaluate(expression, activation) };
        return known.value;
      },
    });
  }
  return activation;
}

export function createPolicyValidation({ store, authorizer, evaluator, paramsOf }: PolicyOptions): (attributes: AdmissionAttributes) => Promise<void> {
  /** Why the validation fails; undefined when it holds. */
  function failureOf(validation: Validation, activation: Activation, failClosed: boolean): { message: string; reason: string } | undefined {
    const { expression, reason = 'Invalid', message = '', messageExpression = '' } = validation;
    let holds: unknown;
    try {
      holds = evaluator.evaluate(expression, activation);
    } catch (error) {
      return failClosed ? { message: `expression '${expression}' resulted in error: ${messageOf(error)}`, reason: 'Invalid' } : undefined;
    }
    if (holds === true) return undefined;
    let text = message.trim();
    if (messageExpression !== '') {
      try {
        const made = evaluator.evaluate(messageExpression, activation);
        if (typeof made === 'string' && made.trim() !== '' && !made.includes('\n')) text = made.trim();
      } catch {
        // The fixed message stands in for one that could not be made, as in Kubernetes.
      }
    }
    return { message: text === '' ? `failed expression: ${expression.trim()}` : text, reason };
  }

  return async (attributes) => {
    if (isExempt(attributes)) return;
    const bindings = store.bindings();
    if (bindings.length === 0) return;
    let base: Activation | undefined;
    for (const policy of store.policies()) {
      const bound = bindings.filter((binding) => binding.spec.policyName === policy.metadata.name);
      if (bound.length === 0 || !(await matches(policy.spec.matchConstraints, attributes, store, true))) continue;
      const namespace = attributes.namespace === undefined ? undefined : await store.namespace(attributes.namespace);
      base ??= activationOf(attributes, authorizer, namespace);
      const failClosed = policy.spec.failurePolicy !== 'Ignore';
      for (const binding of bound) {
        if (!(await matches(binding.spec.matchResources, attributes, store, false))) continue;
        const params = await paramsOf(policy, binding, attributes.namespace);
        if (params === undefined && policy.spec.paramKind !== undefined && binding.spec.paramRef?.parameterNotFoundAction === 'Allow') continue;
        const activation = withVariables(policy, { ...base, params: celValue(params) }, evaluator);
        const actions = binding.spec.validationActions ?? ['Deny'];
        const said = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: `;
        const deny = (message: string, reason: string) => {
          if (actions.includes('Warn'))
            attributes.warn?.(`Validation failed for ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}': ${message}`);
          if (!actions.includes('Deny')) return;
          throw refusal(attributes, `${said}${message}`, { code: CODES[reason] ?? 422, reason, details: { causes: [{ message: `${said}${message}` }] } });
        };
        try {
          if (!conditionsHold(policy.spec.matchConditions, (expression) => evaluator.evaluate(expression, activation))) continue;
        } catch (error) {
          if (failClosed) deny(messageOf(error), 'Invalid');
          continue;
        }
        for (const validation of policy.spec.validations ?? []) {
          const failure = failureOf(validation, activation, failClosed);
          if (failure !== undefined) deny(failure.message, failure.reason);
        }
      }
    }
  };
}
