/** What makes an intercept take some requests only, and which header marks them. */
import { randomUUID } from 'node:crypto';
import { CodedError } from '../../base/errors.ts';
import { INTERCEPT_ID_HEADER, type Ingress, interceptIdValue } from '../../protocol/cloud.ts';
import type { InterceptParams } from '../../protocol/daemon-api.ts';
import type { HttpFilter } from '../../protocol/resources.ts';
import { literalRegex, type PreviewHeader, previewHeaderOf } from '../cloud/index.ts';
import type { WorkloadPort } from './workloads.ts';

export interface Wishes {
  /** The user's own conditions and, of a personal intercept, its id. */
  http: HttpFilter | undefined;
  /** What marks the requests of a personal intercept. */
  header: PreviewHeader | undefined;
  preview: { ingress: Ingress; header: PreviewHeader } | undefined;
}

/** @throws TP-INTERCEPT-REFUSED for a UDP port, TP-PREVIEW-REFUSED where no header could be sent that the intercept matches. */
export function wishesOf(params: InterceptParams, port: WorkloadPort): Wishes {
  if (params.mechanism === 'http' && port.protocol === 'UDP') {
    throw new CodedError('TP-INTERCEPT-REFUSED', `Port ${port.name ?? port.number} is UDP: there are no HTTP requests to choose from.`, {
      help: 'Pass --mechanism tcp: it takes all datagrams.',
    });
  }
  const { http, header } = filterOf(params);
  const preview = params.preview === undefined ? undefined : { ingress: params.preview.ingress, header: header ?? previewHeaderOf(http) };
  return { http, header, preview };
}

function filterOf(params: InterceptParams): Pick<Wishes, 'http' | 'header'> {
  if (!params.personal) return { http: params.http, header: undefined };
  const header = { name: INTERCEPT_ID_HEADER, value: interceptIdValue(randomUUID(), params.name) };
  const http: HttpFilter = {
    ...params.http,
    headers: [...(params.http?.headers ?? []), { name: header.name, value: { regex: literalRegex(header.value) } }],
    paths: params.http?.paths ?? [],
  };
  return { http, header };
}
