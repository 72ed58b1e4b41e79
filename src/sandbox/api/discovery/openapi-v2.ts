/**
 * OpenAPI v2, as `kubectl` asks for it to check a `List` by, and only that: a document that defines nothing, so that it leaves each item to the
 * server. What the kinds are is told by v3.
 */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** As it is answered: what clients ask for is no media type, for its `@`. */
export const OPENAPI_V2_ANSWER = OPENAPI_V2_PROTOBUF.replace('@', '.');

/** A field of a protobuf message whose value has fewer than 128 bytes. */
const field = (number: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]);
const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));

/** `openapi.v2.Document`: swagger = 1, info = 2 with title = 1 and version = 2, paths = 8, definitions = 9. */
export function openApiV2(version: string): Buffer {
  const info = Buffer.concat([text(1, 'Kubernetes'), text(2, version)]);
  return Buffer.concat([text(1, '2.0'), field(2, info), field(8, Buffer.alloc(0)), field(9, Buffer.alloc(0))]);
}
