/** Which form of an answer a client takes. */
import { StatusError } from '../../contract.ts';

export interface Wanted {
  /** `as=` of the media type: a Table, or metadata alone, or undefined for the object itself. */
  as: string | undefined;
  version: string;
  contentType: string;
}

/** The first that this server has, in the client's order. @throws 406 */
export function negotiate(accept: string | undefined): Wanted {
  for (const { type, parameters } of accepted(accept)) {
    const as = parameters.get('as');
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    if (as === undefined) return { as, version: 'v1', contentType: 'application/json' };
    const version = parameters.get('v') ?? 'v1';
    const group = parameters.get('g') ?? '';
    const known =
      group === 'meta.k8s.io' && ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'].includes(as) && (version === 'v1' || version === 'v1beta1');
    if (known) return { as, version, contentType: 'application/json' };
  }
  throw notAcceptable(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor']);
}

export function notAcceptable(types: string[]): StatusError {
  return new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`);
}

export interface MediaType {
  type: string;
  parameters: Map<string, string>;
}

/** The media types of an Accept header, as they stand there; no header means anything. */
export function accepted(accept: string | undefined): MediaType[] {
  return (accept === undefined || accept.trim() === '' ? '*/*' : accept).split(',').map(mediaType);
}

export function mediaType(text: string): MediaType {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  return {
    type: type.toLowerCase(),
    parameters: new Map(
      parameters.map((parameter) => {
        const [key = '', value = ''] = parameter.split('=');
        return [key.trim(), value.trim().replace(/^"|"$/g, '')];
      }),
    ),
  };
}
