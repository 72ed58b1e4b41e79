/** What a write is about: which object of which kind, who asks, and with which options. */
import type { Admission, UserInfo } from '../../contract.ts';
import type { JsonObject } from '../object.ts';
import type { Resource } from '../resources/registry.ts';
import type { Store } from '../store/store.ts';

/** What writing needs around it. */
export interface WriteDeps {
  store: Store;
  admission: () => Admission;
}

export interface WriteScope {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  user: UserInfo;
  dryRun: boolean;
  /** Of managed fields. */
  manager: string;
  /** The client itself said who it is. */
  managerNamed: boolean;
  /** Of an apply: takes over what others own. */
  force: boolean;
  /** Unknown fields: refused, warned of, or dropped in silence. */
  fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  warn(text: string): void;
  /** CreateOptions and so on, as admission is shown them. */
  options: JsonObject;
}
