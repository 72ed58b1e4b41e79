/** What a kind has of its own on an object's way into the store. */
import type { UserInfo } from '../../contract.ts';
import type { Cause } from '../errors.ts';
import type { ApiObject } from '../object.ts';

/** What rules may look at. */
export interface RuleContext {
  user: UserInfo;
  subresource: string | undefined;
  dryRun: boolean;
  /** What is stored; undefined at create. */
  old: ApiObject | undefined;
}

export interface Strategy {
  /** `metadata.generation` counts the changes of everything but metadata and status. */
  generation: boolean;
  /** A PUT without resourceVersion overwrites. */
  unconditionalUpdate: boolean;
  /** A PUT of what is not there makes it. */
  createOnUpdate: boolean;
  /** Deleting answers with the object instead of a Status. */
  returnsDeleted: boolean;
  /** Objects with a `status` that only the subresource sets. */
  status: boolean;
  /** Fills in what was left out. The object is the callee's to change. Called for what comes in, before and after admission. */
  defaults(object: ApiObject): void;
  /** What the server itself sets or takes away at create: first status, allocated addresses. */
  prepareCreate(object: ApiObject, context: RuleContext): void;
  /** The same at an update: carries over what a client may not change. */
  prepareUpdate(object: ApiObject, old: ApiObject, context: RuleContext): void;
  validate(object: ApiObject, context: RuleContext): Cause[];
  validateUpdate(object: ApiObject, old: ApiObject, context: RuleContext): Cause[];
  /** Where the same objects are served in two shapes: what is stored, as this one shows it. */
  present?(object: ApiObject): ApiObject;
  /** Of a custom resource definition: no strategic merge patch. */
  custom?: boolean;
  /** Fields that a custom resource's definition lets be selected by. */
  selectableFields?: string[];
  /** What else than the spec makes a new generation. */
  changedBesides?(object: ApiObject, old: ApiObject): boolean;
  /** Holds an object of the kind from when it is to go. */
  deletionFinalizer?: string;
  /** It was deleted, or not stored after all: gives back what was allocated for it. */
  deleted?(object: ApiObject): void;
}

export const PLAIN: Strategy = {
  generation: false,
  unconditionalUpdate: true,
  createOnUpdate: false,
  returnsDeleted: false,
  status: false,
  defaults: () => {},
  prepareCreate: () => {},
  prepareUpdate: () => {},
  validate: () => [],
  validateUpdate: () => [],
};
