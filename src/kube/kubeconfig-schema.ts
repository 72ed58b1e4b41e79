/** The shape of a kubeconfig file; unknown keys are kept, absent lists may be null. */
import { z } from 'zod';

const text = z.string().nullish();
const extensions = z.array(z.looseObject({ name: z.string(), extension: z.unknown() })).nullish();

const cluster = z.looseObject({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
  extensions,
});

const user = z.looseObject({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
  exec: z
    .looseObject({
      apiVersion: z.string(),
      command: z.string().min(1),
      args: z.array(z.string()).nullish(),
      env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
      interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).nullish(),
      provideClusterInfo: z.boolean().nullish(),
      installHint: text,
    })
    .nullish(),
  'auth-provider': z.looseObject({ name: text }).nullish(),
});

export const configFileSchema = z.looseObject({
  'current-context': text,
  clusters: z.array(z.looseObject({ name: z.string(), cluster: cluster.nullish() })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: user.nullish() })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: text, user: text, namespace: text }).nullish() })).nullish(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;
export type ClusterEntry = z.infer<typeof cluster>;
export type UserEntry = z.infer<typeof user>;
