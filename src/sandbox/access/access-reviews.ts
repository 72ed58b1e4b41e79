/** The reviews of authorization.k8s.io: what somebody may do. */
import { type Authorizer, type RequestAttributes, StatusError, type UserInfo, type VirtualResource } from '../contract.ts';
import type { RoleLookup } from './rbac-store.ts';
import { MASTERS } from './user.ts';

interface ResourceAttributes {
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}
interface ReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { verb?: string; path?: string };
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

function invalid(kind: string, reason: string): StatusError {
  return new StatusError(422, 'Invalid', `${kind}.authorization.k8s.io "" is invalid: ${reason}`, { group: 'authorization.k8s.io', kind });
}

function attributesOf(kind: string, spec: ReviewSpec, user: UserInfo): RequestAttributes {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if ((resource === undefined) === (path === undefined)) {
    const which =
      resource === undefined
        ? 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
        : 'cannot be specified in combination with resourceAttributes';
    const field = resource === undefined ? 'spec.resourceAttributes: Invalid value: null' : 'spec.nonResourceAttributes: Invalid value';
    throw invalid(kind, `${field}: ${which}`);
  }
  if (path !== undefined) return { user, verb: path.verb ?? '', path: path.path ?? '' };
  const { verb = '', group = '', version = '', resource: name = '', subresource = '', namespace = '', ...rest } = resource ?? {};
  return {
    user,
    verb,
    path: '',
    group,
    version,
    resource: name,
    ...(subresource === '' ? {} : { subresource }),
    ...(namespace === '' ? {} : { namespace }),
    ...(rest.name === undefined || rest.name === '' ? {} : { name: rest.name }),
  };
}

function statusOf(authorizer: Authorizer, attributes: RequestAttributes): { allowed: boolean; reason?: string } {
  const { allowed, reason } = authorizer.authorize(attributes);
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

/** SelfSubjectAccessReview. */
export function createSelfAccessReview(authorizer: Authorizer): VirtualResource {
  return {
    async create({ user }, object) {
      const spec = (object['spec'] ?? {}) as ReviewSpec;
      return { ...object, status: statusOf(authorizer, attributesOf('SelfSubjectAccessReview', spec, user)) };
    },
  };
}

/** SubjectAccessReview, and LocalSubjectAccessReview, which is about the namespace that it is sent to. */
export function createAccessReview(authorizer: Authorizer, { local }: { local: boolean }): VirtualResource {
  const kind = local ? 'LocalSubjectAccessReview' : 'SubjectAccessReview';
  return {
    async create({ namespace = '' }, object) {
      const spec = (object['spec'] ?? {}) as ReviewSpec;
      const { user = '', groups = [], uid = '', extra = {} } = spec;
      if (user === '' && groups.length === 0) throw invalid(kind, 'spec.user: Invalid value: "": at least one of user or group must be specified');
      if (local && spec.resourceAttributes?.namespace !== namespace)
        throw new StatusError(400, 'BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace}`);
      return { ...object, status: statusOf(authorizer, attributesOf(kind, spec, { username: user, uid, groups, extra })) };
    },
  };
}

/** SelfSubjectRulesReview: everything that oneself may do in a namespace. */
export function createSelfRulesReview(store: RoleLookup): VirtualResource {
  return {
    async create({ user }, object) {
      const { namespace = '' } = (object['spec'] ?? {}) as { namespace?: string };
      if (namespace === '') throw new StatusError(400, 'BadRequest', 'no namespace on request');
      const { grants, missing } = store.grants(user, namespace);
      const rules = grants.flatMap((grant) => grant.rules);
      const everything = user.groups.includes(MASTERS);
      const resourceRules = rules
        .filter((rule) => rule.resources !== undefined)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) }));
      const nonResourceRules = rules.flatMap(({ verbs, nonResourceURLs }) => (nonResourceURLs === undefined ? [] : [{ verbs, nonResourceURLs }]));
      const status = {
        resourceRules: everything ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, ...resourceRules] : resourceRules,
        nonResourceRules: everything ? [{ verbs: ['*'], nonResourceURLs: ['*'] }, ...nonResourceRules] : nonResourceRules,
        incomplete: missing.length > 0,
        ...(missing.length > 0 ? { evaluationError: missing.join(', ') } : {}),
      };
      return { ...object, status };
    },
  };
}
