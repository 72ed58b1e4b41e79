/** Who may hold a session's tunnel: whoever holds the private key that belongs to the public key in its Session object. */
import { CodedError } from '../../base/errors.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { GROUP_VERSION, type Session, sessionSchema } from '../../protocol/resources.ts';
import type { Hello } from '../../protocol/tunnel.ts';
import { verifyNonce } from '../../tunnel/index.ts';
import type { Watched } from '../context.ts';

/** The Session that the hello is for. The watch may be a moment behind a session that was just made: then the API server is asked. */
export async function findSession(
  hello: Hello,
  options: { kube: KubeClient; sessionObjects: Watched<Session>; namespace: string; signal: AbortSignal },
): Promise<Session> {
  const { name, uid } = hello.session;
  if (!/^[a-z0-9][a-z0-9.-]{0,252}$/.test(name)) throw new CodedError('TP-SESSION-REFUSED', 'The name of the session is not valid.');
  let object: unknown = options.sessionObjects.get(options.namespace, name);
  if (object === undefined || (object as Session).metadata.uid !== uid) {
    object = await options.kube.get(resourcePath(GROUP_VERSION, 'sessions', options.namespace, name), { signal: options.signal }).catch((error: unknown) => {
      if (error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND') return undefined;
      throw error;
    });
  }
  const parsed = sessionSchema.safeParse(object);
  if (!parsed.success || parsed.data.metadata.uid !== uid || parsed.data.metadata.deletionTimestamp !== undefined) {
    throw new CodedError('TP-SESSION-REFUSED', `There is no session ${name} with this uid.`);
  }
  return parsed.data;
}

/** Finds the session and checks the signature; throws TP-SESSION-REFUSED. */
export async function verifyHello(hello: Hello, nonce: string, options: Parameters<typeof findSession>[1]): Promise<Session> {
  if (hello.kind === 'direct') throw new CodedError('TP-SESSION-REFUSED', 'A direct connection ends at an agent, not here.');
  const session = await findSession(hello, options);
  if (!verifyNonce(session.spec.publicKey, nonce, hello.session.uid, hello.signature)) {
    throw new CodedError('TP-SESSION-REFUSED', "The signature is not that of the session's key.");
  }
  return session;
}
