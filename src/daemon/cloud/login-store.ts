/** The login on disk: one file, for its owner alone. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { CodedError, codeOf, messageOf } from '../../base/errors.ts';
import { cloudUserSchema, organisationSchema } from '../../protocol/cloud.ts';

const storedLoginSchema = z.looseObject({
  url: z.string(),
  token: z.string().min(1),
  /** `apikey`: made in the dashboard, and not ended by `logout`. */
  kind: z.enum(['login', 'apikey']).default('login'),
  user: cloudUserSchema,
  organisation: organisationSchema,
});
export type StoredLogin = z.infer<typeof storedLoginSchema>;

/** Undefined when nobody is logged in. @throws TP-NOT-LOGGED-IN when the file is not what `writeLogin` wrote. */
export async function readLogin(file: string): Promise<StoredLogin | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CodedError('TP-NOT-LOGGED-IN', `The login in ${file} can't be read: ${messageOf(error)}.`, { cause: error });
  }
  try {
    return storedLoginSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CodedError('TP-NOT-LOGGED-IN', `The login in ${file} is damaged.`, { cause: error });
  }
}

/** Replaces the file in one step; it is 0600 from its first byte on. */
export async function writeLogin(file: string, login: StoredLogin): Promise<void> {
  await writePrivate(file, login);
}

/** @returns whether there was one. */
export async function removeLogin(file: string): Promise<boolean> {
  try {
    await rm(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export async function writePrivate(file: string, content: unknown): Promise<void> {
  const fresh = `${file}.${randomUUID()}`;
  try {
    await writeFile(fresh, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
