/** A failure as the object that clients read. */
import { messageOf } from '../../../base/errors.ts';
import { StatusError } from '../../contract.ts';
import type { JsonObject } from '../object.ts';

export function statusObject(error: StatusError): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    ...(error.reason === '' ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}

/** What is no failure of the asker. */
export function internalError(error: unknown): StatusError {
  const message = `Internal error occurred: ${messageOf(error)}`;
  return new StatusError(500, 'InternalError', message, { causes: [{ message: messageOf(error) }] });
}
