/** ValidatingAdmissionPolicy and its binding, as far as they decide. */
import type { Rule, Selectors } from '../rule.ts';

export interface MatchResources extends Selectors {
  matchPolicy?: string;
  resourceRules?: Rule[];
  excludeResourceRules?: Rule[];
}
export interface Validation {
  expression: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
}
export interface Policy {
  metadata: { name: string };
  spec: {
    failurePolicy?: string;
    matchConstraints?: MatchResources;
    matchConditions?: { name: string; expression: string }[];
    variables?: { name: string; expression: string }[];
    validations?: Validation[];
    paramKind?: { apiVersion: string; kind: string };
  };
}
export interface Binding {
  metadata: { name: string };
  spec: {
    policyName: string;
    validationActions?: string[];
    matchResources?: MatchResources;
    paramRef?: { name?: string; namespace?: string; parameterNotFoundAction?: string };
  };
}
