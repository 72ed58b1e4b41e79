/** `authorizer` of an expression: asks what the user of the request may do. */
import type { Authorizer, RequestAttributes, UserInfo } from '../../contract.ts';

export class Decision {
  readonly allowed: boolean;
  readonly reason: string;
  constructor({ allowed, reason }: { allowed: boolean; reason: string }) {
    this.allowed = allowed;
    this.reason = reason;
  }
}

type Asked = Partial<Pick<RequestAttributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'path'>>;

/** A question that is being put together; every step is a new one. */
export class Question {
  readonly #authorizer: Authorizer;
  readonly #user: UserInfo;
  readonly #asked: Asked;
  /** The resource of the request itself, as a question. */
  readonly requestResource: Question | undefined;

  constructor(authorizer: Authorizer, user: UserInfo, asked: Asked, requestResource?: Asked) {
    this.#authorizer = authorizer;
    this.#user = user;
    this.#asked = asked;
    this.requestResource = requestResource === undefined ? undefined : new Question(authorizer, user, requestResource);
  }
  with(more: Asked): Question {
    return new Question(this.#authorizer, this.#user, { ...this.#asked, ...more });
  }
  as(namespace: string, name: string): Question {
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    return new Question(this.#authorizer, { username: `system:serviceaccount:${namespace}:${name}`, uid: '', groups, extra: {} }, this.#asked);
  }
  check(verb: string): Decision {
    const { path = '', namespace, ...rest } = this.#asked;
    const place = namespace === undefined || namespace === '' ? {} : { namespace };
    return new Decision(this.#authorizer.authorize({ user: this.#user, verb, path, ...rest, ...place }));
  }
}
