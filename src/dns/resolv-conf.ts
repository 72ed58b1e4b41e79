/** resolv.conf(5), as text: reading the file is the program's business. */
import { isIP } from 'node:net';

export interface ResolvConf {
  /** In order, without repetitions; `127.0.0.1` when the file names none, as the C libraries do. */
  nameservers: string[];
  search: string[];
  options: string[];
}

/** Never throws: lines that mean nothing are passed over, as the C libraries do. */
export function readResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    const first = words[0];
    if (keyword === 'nameserver' && first !== undefined && isIP(first.replace(/%.*$/, '')) !== 0) {
      if (!nameservers.includes(first)) nameservers.push(first);
    } else if ((keyword === 'search' || keyword === 'domain') && first !== undefined) {
      // The last of `search` and `domain` wins; `domain` has one word.
      search = (keyword === 'search' ? words : [first]).map((domain) => domain.replace(/^\.|\.$/g, '').toLowerCase()).filter((domain) => domain !== '');
    } else if (keyword === 'options') options.push(...words);
  }
  return { nameservers: nameservers.length === 0 ? ['127.0.0.1'] : nameservers, search, options };
}
