/** A refusal that a handler throws: the API answers it as JSON, pages as a page. The message is for people and holds no secret. */
export class Problem extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 502 | 503;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: Problem['status'], code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
