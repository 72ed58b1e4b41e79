/** Who wrote which field, kept at each write. */
import type { ApiObject } from '../object.ts';
import type { WriteScope } from './scope.ts';

export function managedAtCreate(_scope: WriteScope, _object: ApiObject): void {}

export function managedAtUpdate(_scope: WriteScope, _next: ApiObject, _current: ApiObject): void {}
