/** Events, which two groups serve: kept as the core group has them, shown and taken in the newer one's words too. */
import type { ApiObject, JsonObject } from '../object.ts';
import { fill } from './defaults/fill.ts';
import type { KindRules } from './strategies.ts';

const NEWER_GROUP = 'events.k8s.io/v1';
/** Newer name → the name in the core group. */
const NAMES: Record<string, string> = {
  note: 'message',
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};

export const EVENT_RULES: KindRules = {
  defaults: (object) => fill(object, { reportingComponent: '', reportingInstance: '' }),
};

export const NEWER_EVENT_RULES: KindRules = {
  defaults(object) {
    rename(object, Object.entries(NAMES));
    EVENT_RULES.defaults?.(object);
  },
  present(stored) {
    const event = { ...stored, apiVersion: NEWER_GROUP };
    rename(
      event,
      Object.entries(NAMES).map(([newer, core]) => [core, newer]),
    );
    return event as ApiObject;
  },
};

function rename(object: JsonObject, names: [from: string, to: string][]): void {
  for (const [from, to] of names) {
    if (object[from] === undefined) continue;
    object[to] = object[from];
    delete object[from];
  }
}
