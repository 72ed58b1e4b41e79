/**
 * Who may do what to Sessions and Intercepts beyond RBAC, checked by the API server itself (CEL), with the manager up or down:
 * a creator writes their own name, nobody changes an identity, only owners and the cluster's own machinery change or end one,
 * and status is the manager's.
 */
import { GROUP, MANAGER_NAME } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming } from './naming.ts';

/** Members may end and change what is not theirs. */
const ADMIN_GROUP = 'telepresence-admins';
/**
 * Whoever is granted this verb may too: it lets `cluster-admin` (all verbs) tidy up on clusters whose administrators are not in
 * `system:masters`.
 */
const ADMIN_VERB = 'administer';

interface Guarded {
  resource: 'sessions' | 'intercepts';
  /** CEL: the namespace of the manager that the object is for. */
  managerNamespace: string;
  /** A field of the spec that, beside `user`, says whose it is. */
  identity: 'publicKey' | 'session';
}
/**
 * An Intercept names its manager's namespace itself, so that the same policies serve several managers in one cluster. Naming one that
 * is not there gains nothing: a manager passes over what is not its own.
 */
const GUARDED: Guarded[] = [
  { resource: 'sessions', managerNamespace: 'request.namespace', identity: 'publicKey' },
  { resource: 'intercepts', managerNamespace: 'oldObject.spec.session.namespace', identity: 'session' },
];

interface Variable {
  name: string;
  expression: string;
}
interface Validation {
  expression: string;
  message?: string;
  messageExpression?: string;
  reason: 'Forbidden' | 'Invalid';
}

function policy(name: string, resource: string, operations: string[], variables: Variable[], validations: Validation[]): KubeObject[] {
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name, labels: { ...COMMON_LABELS } },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          matchPolicy: 'Equivalent',
          resourceRules: [{ apiGroups: [GROUP], apiVersions: ['*'], operations, resources: [resource], scope: 'Namespaced' }],
        },
        ...(variables.length > 0 ? { variables } : {}),
        validations,
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name, labels: { ...COMMON_LABELS } },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}

function guard({ resource, managerNamespace, identity }: Guarded, naming: Naming): KubeObject[] {
  const manager: Variable = {
    name: 'isManager',
    expression: `request.userInfo.username == 'system:serviceaccount:' + ${managerNamespace} + ':${MANAGER_NAME}'`,
  };
  const variables: Variable[] = [
    manager,
    { name: 'groups', expression: 'has(request.userInfo.groups) ? request.userInfo.groups : []' },
    // The garbage collector and the namespace controller run as service accounts of kube-system, or all controllers as one user.
    {
      name: 'isController',
      expression: "request.userInfo.username == 'system:kube-controller-manager' || 'system:serviceaccounts:kube-system' in variables.groups",
    },
    {
      name: 'isAdmin',
      expression: `'system:masters' in variables.groups || '${ADMIN_GROUP}' in variables.groups || authorizer.group('${GROUP}').resource('${resource}').namespace(request.namespace).check('${ADMIN_VERB}').allowed()`,
    },
    { name: 'isOwner', expression: 'oldObject.spec.user == request.userInfo.username' },
  ];
  return [
    ...policy(
      naming.policy(`${resource}-create`),
      resource,
      ['CREATE'],
      [],
      [
        {
          expression: 'object.spec.user == request.userInfo.username',
          messageExpression: "'spec.user must be ' + request.userInfo.username + ', the user who asks'",
          reason: 'Forbidden',
        },
      ],
    ),
    ...policy(naming.policy(`${resource}-change`), resource, ['UPDATE', 'DELETE'], variables, [
      {
        expression: 'variables.isOwner || variables.isManager || variables.isController || variables.isAdmin',
        messageExpression: "'it belongs to ' + oldObject.spec.user + '; only they or a telepresence administrator may change or end it'",
        reason: 'Forbidden',
      },
      {
        expression: "request.operation == 'DELETE' || object.spec.user == oldObject.spec.user",
        message: 'spec.user may not be changed',
        reason: 'Invalid',
      },
      {
        expression: `request.operation == 'DELETE' || object.spec.${identity} == oldObject.spec.${identity}`,
        message: `spec.${identity} may not be changed`,
        reason: 'Invalid',
      },
    ]),
    ...policy(
      naming.policy(`${resource}-status`),
      `${resource}/status`,
      ['UPDATE'],
      [manager],
      [{ expression: 'variables.isManager', message: 'status is written by the traffic-manager alone', reason: 'Forbidden' }],
    ),
  ];
}

/** All policies with their bindings. */
export function admissionPolicies(naming: Naming): KubeObject[] {
  return GUARDED.flatMap((guarded) => guard(guarded, naming));
}
