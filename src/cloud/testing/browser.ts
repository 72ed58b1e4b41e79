/** As much of a browser as forms and redirects need: cookies by host, an Origin with every form, no redirect followed by itself. */
export interface Page {
  status: number;
  text: string;
  headers: Headers;
  location: string | null;
}

export class Browser {
  readonly home: string;
  #cookies = new Map<string, Map<string, string>>();
  #address: string;

  constructor(home: string, address = '203.0.113.1') {
    this.home = home;
    this.#address = address;
  }

  cookie(name: string): string | undefined {
    return this.#jar(this.home).get(name);
  }

  setCookie(name: string, value: string): void {
    this.#jar(this.home).set(name, value);
  }

  get(path: string): Promise<Page> {
    return this.request(path);
  }

  /** Sends a form from a page of the same origin. */
  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    const url = new URL(path, this.home);
    return this.request(url.href, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin, ...headers },
    });
  }

  async request(path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<Page> {
    const url = new URL(path, this.home);
    const jar = this.#jar(url.href);
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { 'x-forwarded-for': this.#address, ...(cookies === '' ? {} : { cookie: cookies }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, pair.slice(pair.indexOf('=') + 1));
    }
    return { status: response.status, text: await response.text(), headers: response.headers, location: response.headers.get('location') };
  }

  /** Follows redirects (also to other hosts) from `path` until a page answers, or a redirect leads to `until`. */
  async follow(path: string, until?: string): Promise<Page & { url: string }> {
    let url = new URL(path, this.home);
    for (let step = 0; step < 15; step++) {
      const page = await this.request(url.href);
      if (page.location === null) return { ...page, url: url.href };
      url = new URL(page.location, url);
      if (until !== undefined && url.href.startsWith(until)) return { ...page, url: url.href };
    }
    throw new Error('too many redirects');
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }
}

/** The value of a form's field, or of its select's first option. */
export function field(html: string, name: string): string {
  const value =
    new RegExp(`name="${name}"[^>]*?value="([^"]*)"`).exec(html)?.[1] ?? new RegExp(`<select name="${name}">\\s*<option value="([^"]*)"`).exec(html)?.[1];
  if (value === undefined) throw new Error(`no field ${name} in ${html}`);
  return value.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}
