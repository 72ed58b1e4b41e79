/** People of a test's cloud, made over its pages as a browser makes them, and what they do with an API key. */
import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import { Browser, field } from '../../../src/cloud/testing/browser.ts';
import { API, type PreviewAnswer } from '../../../src/protocol/cloud.ts';
import type { CloudOnHost } from './cloud.ts';

export interface Account {
  name: string;
  /** For `telepresence login --apikey`. */
  key: string;
  browser: Browser;
  /** An invitation into the same organisation. */
  invite(): Promise<string>;
}

/** Lets this process's own requests trust the cloud's CA. */
export async function trust(cloud: Pick<CloudOnHost, 'caFile'>): Promise<void> {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), await readFile(cloud.caFile, 'utf8')]);
}

/** @param link the link of the first start, or an invitation */
export async function makeAccount(cloud: CloudOnHost, name: string, link: string): Promise<Account> {
  const browser = new Browser(cloud.url);
  const { text } = await browser.get(link);
  const made = await browser.post(`${link}/account`, {
    csrf: field(text, 'csrf'),
    organisation: 'Shop',
    name,
    email: `${name}@shop.example`,
    password: `${name} walks under correct bridges`,
  });
  if (made.status !== 303) throw new Error(`no account for ${name}: ${made.status} ${made.text}`);
  const press = async (page: string, action: string, fields: Record<string, string>, found: RegExp): Promise<string> => {
    const answer = await browser.post(action, { csrf: field((await browser.get(page)).text, 'csrf'), ...fields });
    const [, value] = found.exec(answer.text) ?? [];
    if (value === undefined) throw new Error(`${action} answered ${answer.status} ${answer.text}`);
    return value;
  };
  return {
    name,
    browser,
    key: await press('/keys', '/keys', { name: 'test' }, /(tpk_[A-Za-z0-9_-]+)/),
    invite: () => press('/members', '/members/invite', { email: '', role: 'member' }, /(https:[^"<\s]+\/invitations\/[A-Za-z0-9_-]+)/),
  };
}

/** The previews of somebody's organisation. */
export async function previewsOf(cloud: CloudOnHost, { key }: Account): Promise<PreviewAnswer[]> {
  const answer = await fetch(cloud.url + API.previews, { headers: { authorization: `Bearer ${key}` } });
  return ((await answer.json()) as { previews: PreviewAnswer[] }).previews;
}

export async function makePublic(cloud: CloudOnHost, { key }: Account, id: string): Promise<void> {
  const answer = await fetch(`${cloud.url}${API.previews}/${id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ public: true }),
  });
  if (!answer.ok) throw new Error(`not made public: ${answer.status} ${await answer.text()}`);
}
