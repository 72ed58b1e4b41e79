/** The shape of a value, of a built-in kind or of a custom one: what is known, how lists are merged, what is checked. */

export interface SchemaNode {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'quantity' | 'any';
  format?: string;
  /** Of the type, as the API calls it: `PodSpec`. */
  name?: string;
  /** Fields that are no pointers: `v` is left out when it is empty, `V` never. */
  held?: ReadonlyMap<string, 'v' | 'V'>;
  properties?: Record<string, SchemaNode>;
  /** Of the values of a map. */
  additional?: SchemaNode;
  items?: SchemaNode;
  required?: string[];
  enum?: unknown[];
  /** For apply: who owns what of a list. Default: all of it together. */
  listType?: 'atomic' | 'set' | 'map';
  listKeys?: string[];
  mapType?: 'atomic' | 'granular';
  /** For strategic merge. */
  mergeKey?: string;
  mergeStrategy?: string[];
  /** Unknown fields are kept. */
  preserve?: boolean;
  /** A whole object inside another: its apiVersion, kind and metadata are always known. */
  embedded?: boolean;
  nullable?: boolean;
  default?: unknown;
  /** Of a custom resource: what a value of that type must satisfy besides. */
  checks?: Checks;
}

/** As OpenAPI names them. */
export interface Checks {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: SchemaNode[];
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  not?: SchemaNode;
  rules?: Rule[];
}

/** `x-kubernetes-validations` */
export interface Rule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
}
