/** Which writes are meant: the words that webhooks and policies share. */
import type { LabelSelector } from '../access/index.ts';

export interface Rule {
  apiGroups?: string[];
  apiVersions?: string[];
  operations?: string[];
  resources?: string[];
  scope?: string;
  resourceNames?: string[];
}

export interface Selectors {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}
