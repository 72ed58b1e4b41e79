/** The failures that the API server answers with, in its own words. */

import type { ResourceType } from '../contract.ts';
import { StatusError } from '../contract.ts';

/** One reason among the `details.causes` of an Invalid. */
export interface Cause {
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  message: string;
  field: string;
}

type Kind = Pick<ResourceType, 'group' | 'plural' | 'kind'>;

const qualified = (word: string, group: string) => (group === '' ? word : `${word}.${group}`);
const detailsOf = (type: Kind, name: string, more: Record<string, unknown> = {}) => ({
  ...(name === '' ? {} : { name }),
  ...(type.group === '' ? {} : { group: type.group }),
  kind: type.plural,
  ...more,
});

export function notFound(type: Kind, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(type.plural, type.group)} "${name}" not found`, detailsOf(type, name));
}

const NO_SUCH_RESOURCE = 'the server could not find the requested resource';

/** For a path that is no resource of this server. */
export function noSuchResource(): StatusError {
  return new StatusError(404, 'NotFound', NO_SUCH_RESOURCE, {});
}

/** Which a real server answers before it knows of kinds at all: in plain text. */
export function noSuchGroup(): StatusError {
  return new StatusError(404, 'NotFound', NO_SUCH_RESOURCE, { plain: true });
}
export function isNoSuchGroup(error: unknown): boolean {
  return error instanceof StatusError && error.details?.['plain'] === true;
}

export function alreadyExists(type: Kind, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(type.plural, type.group)} "${name}" already exists`, detailsOf(type, name));
}

export function conflict(
  type: Kind,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  return new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(type.plural, type.group)} "${name}": ${why}`, detailsOf(type, name));
}

export function invalid(type: Kind, name: string, causes: Cause[]): StatusError {
  const sentences = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${qualified(type.kind, type.group)} ${JSON.stringify(name)} is invalid: ${text ?? ''}`, {
    ...(name === '' ? {} : { name }),
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes,
  });
}

/** Of a patch that makes something which is not of the kind any more. */
export function invalidPatch(made: string, why: string): StatusError {
  const cause = invalidValue('patch', made, why);
  return new StatusError(422, 'Invalid', ` "" is invalid: ${cause.field}: ${cause.message}`, { causes: [cause] });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function forbidden(type: Kind, name: string, why: string, more: Record<string, unknown> = {}): StatusError {
  const which = name === '' ? '' : ` "${name}"`;
  return new StatusError(403, 'Forbidden', `${qualified(type.plural, type.group)}${which} is forbidden: ${why}`, detailsOf(type, name, more));
}

export function methodNotAllowed(type?: Kind): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    type === undefined ? {} : detailsOf(type, ''),
  );
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function unsupportedMediaType(accepted: string[]): StatusError {
  return new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** `invalidValue('spec.replicas', -1, 'must be greater than or equal to 0')` */
export function invalidValue(field: string, value: unknown, why: string): Cause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${why}`, field };
}

export function required(field: string, why = ''): Cause {
  return { reason: 'FieldValueRequired', message: why === '' ? 'Required value' : `Required value: ${why}`, field };
}

export function duplicate(field: string, value: unknown): Cause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}`, field };
}

export function unsupported(field: string, value: unknown, supported: string[]): Cause {
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${[...supported].map((one) => JSON.stringify(one)).join(', ')}`,
    field,
  };
}

export function forbiddenField(field: string, why: string): Cause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}

export function notFoundValue(field: string, value: unknown): Cause {
  return { reason: 'FieldValueNotFound', message: `Not found: ${shown(value)}`, field };
}

/** Of the options of a request. */
export function invalidOptions(kind: string, cause: Cause): StatusError {
  return new StatusError(422, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [cause],
  });
}

export function tooLong(field: string, most: number): Cause {
  return { reason: 'FieldValueTooLong', message: `Too long: may not be more than ${most} bytes`, field };
}

/** A value as the API server shows it in a message. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return JSON.stringify(value);
}
