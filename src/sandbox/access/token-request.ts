/** `serviceaccounts/token`: a new token of a service account. */
import type { KubeObject } from '../../kube/index.ts';
import { resourcePath } from '../../kube/paths.ts';
import { type ClusterClient, StatusError, type VirtualResource } from '../contract.ts';
import { getIfThere } from './get-if-there.ts';
import { TOKEN_DEFAULT_SECONDS, TOKEN_MAX_SECONDS, TOKEN_MIN_SECONDS } from './limits.ts';
import type { ServiceAccountTokens, TokenSubject } from './service-account-tokens.ts';

interface Stored {
  metadata: { name: string; uid: string; creationTimestamp?: string };
  spec?: { serviceAccountName?: string; nodeName?: string };
}
interface BoundObject {
  kind?: string;
  apiVersion?: string;
  name?: string;
  uid?: string;
}
interface TokenRequestSpec {
  audiences?: string[] | null;
  expirationSeconds?: number | null;
  boundObjectRef?: BoundObject | null;
}

export function createTokenRequest(client: Pick<ClusterClient, 'get'>, tokens: ServiceAccountTokens): VirtualResource {
  async function must(plural: string, namespace: string | undefined, name: string): Promise<Stored> {
    const found = await getIfThere<Stored>(client, resourcePath('v1', plural, namespace, name));
    if (found === undefined) throw new StatusError(404, 'NotFound', `${plural} ${JSON.stringify(name)} not found`, { name, kind: plural });
    return found;
  }

  async function bind(namespace: string, account: Stored, ref: BoundObject): Promise<Partial<TokenSubject>> {
    const { kind = '', name = '' } = ref;
    if (ref.apiVersion !== 'v1' || !['Pod', 'Secret', 'Node'].includes(kind))
      throw new StatusError(400, 'BadRequest', `cannot bind token for serviceaccount to object of type ${groupKind(ref)}`);
    const plural = `${kind.toLowerCase()}s`;
    const object = await must(plural, kind === 'Node' ? undefined : namespace, name);
    const { uid } = object.metadata;
    if (ref.uid !== undefined && ref.uid !== '' && ref.uid !== uid)
      throw new StatusError(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${plural} ${JSON.stringify(name)}: the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
        { name, kind: plural },
      );
    if (kind === 'Secret') return { secret: { name, uid } };
    if (kind === 'Node') return { node: { name, uid } };
    const used = object.spec?.serviceAccountName;
    if (used !== account.metadata.name)
      throw new StatusError(
        400,
        'BadRequest',
        `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
      );
    const nodeName = object.spec?.nodeName;
    const node = nodeName === undefined ? undefined : await getIfThere<Stored>(client, resourcePath('v1', 'nodes', undefined, nodeName));
    return { pod: { name, uid }, ...(node === undefined ? {} : { node: { name: node.metadata.name, uid: node.metadata.uid } }) };
  }

  return {
    async create({ namespace = '', name = '' }, object): Promise<KubeObject> {
      const account = await must('serviceaccounts', namespace, name);
      const spec = (object['spec'] ?? {}) as TokenRequestSpec;
      // Go writes a list or a number that nobody has set as null.
      const { boundObjectRef = null } = spec;
      const expirationSeconds = spec.expirationSeconds ?? TOKEN_DEFAULT_SECONDS;
      const audiences = (spec.audiences ?? []).length === 0 ? [tokens.issuer] : (spec.audiences ?? []);
      const wrong = expirationSeconds < TOKEN_MIN_SECONDS ? 'less than 10 minutes' : expirationSeconds > TOKEN_MAX_SECONDS ? 'larger than 2^32 seconds' : '';
      if (wrong !== '') {
        const reason = `Invalid value: ${expirationSeconds}: may not specify a duration ${wrong}`;
        throw new StatusError(422, 'Invalid', `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${reason}`, {
          group: 'authentication.k8s.io',
          kind: 'TokenRequest',
          causes: [{ reason: 'FieldValueInvalid', message: reason, field: 'spec.expirationSeconds' }],
        });
      }
      const bound = boundObjectRef === null ? {} : await bind(namespace, account, boundObjectRef);
      const { uid } = account.metadata;
      const { token, expires } = await tokens.sign({ namespace, account: { name, uid }, ...bound }, audiences, expirationSeconds);
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      return {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, uid, creationTimestamp: now },
        spec: { audiences, expirationSeconds, boundObjectRef },
        status: { token, expirationTimestamp: expires.toISOString().replace(/\.\d+Z$/, 'Z') },
      };
    },
  };
}

function groupKind({ apiVersion = '', kind = '' }: BoundObject): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return `${group}/${version}, Kind=${kind}`;
}
