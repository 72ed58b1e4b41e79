/**
 * HTTP without sockets: what a connection carries, heads of HTTP/1.1 requests and responses, where bodies end, and which of several
 * filters a request meets. Nothing here reads, writes or waits, and no body byte is kept.
 */
export { BodyTracker } from './body.ts';
export { type Carried, detect, guess } from './detect.ts';
export { Filters, type RequestFilter, type RequestView } from './filter.ts';
export { endToEnd, type HeaderList, headerList, sameHeader, valuesOf } from './header-list.ts';
export { REQUEST_HEAD_LIMIT, RESPONSE_HEAD_LIMIT } from './limits.ts';
export { plainResponse } from './refusal.ts';
export { BadMessage, type Framing, parseRequestHead, type RequestHead } from './request-head.ts';
export { parseResponseHead, type ResponseHead, responseHeadEnd } from './response-head.ts';
export { headerLine, withoutHttp2Upgrade } from './rewrite-head.ts';
