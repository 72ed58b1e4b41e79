/**
 * What daemons and managers say to the cloud: its JSON API, the OAuth login of native apps, and the manager's link.
 *
 * The link: the manager sends `GET {url}/link` with `Connection: Upgrade`, `Upgrade: telepresence.v1` and
 * `Authorization: Bearer <cluster token>`; after the 101 the socket is a mux in which the manager has role client. Its first
 * stream has header {@link cloudControlHeaderSchema} and is an rpc (src/rpc):
 * - manager calls `hello` {@link cloudHelloSchema} → {@link cloudWelcomeSchema}: the first call; a refusal ends the link.
 * - manager notifies `intercepts` {@link cloudInterceptsSchema}: the whole list, after every change (at most every {@link INTERCEPTS_DEBOUNCE_MS}).
 * - cloud calls `end-intercept` {@link endInterceptSchema} → {}: delete that Intercept object, if it still has that uid.
 * The cloud opens streams with header {@link previewHeaderSchema}: the manager dials, then raw bytes both ways; failure is a reset
 * with one of RESET_REASONS (src/protocol/tunnel.ts).
 */
import { z } from 'zod';
import { httpFilterSchema } from './resources.ts';

export const LINK_PATH = '/link';
export const OAUTH_AUTHORIZE_PATH = '/oauth/authorize';
export const OAUTH_TOKEN_PATH = '/oauth/token';
/** The one client of the authorization server: public (RFC 8252), loopback redirects only, PKCE S256 always. */
export const OAUTH_CLIENT_ID = 'telepresence-cli';
/** Path of the loopback redirect: `http://127.0.0.1:<any port>/callback`. */
export const OAUTH_CALLBACK_PATH = '/callback';
export const API = {
  me: '/api/v1/me',
  logout: '/api/v1/logout',
  clusters: '/api/v1/clusters',
  previews: '/api/v1/previews',
} as const;
/** Secret in the manager's namespace that holds the cluster's link token under {@link CLOUD_SECRET_KEY}. */
export const CLOUD_SECRET = 'telepresence-cloud';
export const CLOUD_SECRET_KEY = 'token';
/** Header that marks a personal intercept's requests; its value is `<random uuid>:<name>`. */
export const INTERCEPT_ID_HEADER = 'x-telepresence-intercept-id';
export const INTERCEPTS_DEBOUNCE_MS = 100;
/** A preview whose intercept is missing from the manager's list for so long is over. */
export const PREVIEW_GRACE_MS = 60_000;
/** Characters of a preview's label: 128 random bits in base32. */
export const PREVIEW_LABEL_LENGTH = 26;

const port = z.number().int().min(1).max(65535);

/** Value of the header {@link INTERCEPT_ID_HEADER}. */
export function interceptIdValue(id: string, name: string): string {
  return `${id}:${name}`;
}

export const organisationSchema = z.looseObject({ id: z.string(), name: z.string() });
export type CloudOrganisation = z.infer<typeof organisationSchema>;
export const cloudUserSchema = z.looseObject({ id: z.string(), name: z.string(), email: z.string().nullable() });
export type CloudUser = z.infer<typeof cloudUserSchema>;

/** Answer of `GET /api/v1/me`. */
export const meSchema = z.looseObject({ user: cloudUserSchema, organisation: organisationSchema });
export type Me = z.infer<typeof meSchema>;

/** Answer of `POST /oauth/token` (form: grant_type=authorization_code, code, redirect_uri, client_id, code_verifier). */
export const tokenAnswerSchema = z.looseObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  user: cloudUserSchema,
  organisation: organisationSchema,
});
export type TokenAnswer = z.infer<typeof tokenAnswerSchema>;

/** Every refusal of `/api/v1`; `/oauth/token` answers as RFC 6749 5.2 says (`error`, `error_description`). */
export const apiErrorSchema = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) });

/** Body of `POST /api/v1/clusters` → {@link clusterTokenSchema}. `id` is the uid of namespace kube-system. */
export const clusterRegistrationSchema = z.strictObject({ id: z.string().min(1).max(100), name: z.string().min(1).max(253) });
export const clusterTokenSchema = z.looseObject({ token: z.string() });

/** Where a preview enters the cluster: layer 3 host, layer 4 port, TLS or not, layer 5 host name (Host and SNI). `ca`: PEM, verifies. */
export const ingressSchema = z.strictObject({
  host: z.string().min(1).max(253),
  port,
  tls: z.boolean(),
  l5host: z.string().min(1).max(253),
  ca: z.string().max(16_384).optional(),
});
export type Ingress = z.infer<typeof ingressSchema>;

/** Body of `POST /api/v1/previews` → {@link previewSchema}. */
export const previewRequestSchema = z.strictObject({
  clusterId: z.string().min(1).max(100),
  intercept: z.strictObject({
    uid: z.string().min(1).max(100),
    namespace: z.string().max(63),
    name: z.string().max(253),
    workload: z.strictObject({ kind: z.string().max(63), name: z.string().max(253) }),
    service: z.string().max(63).optional(),
    port,
  }),
  header: z.strictObject({ name: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/), value: z.string().regex(/^[\x20-\x7e]{1,512}$/) }),
  ingress: ingressSchema,
  public: z.boolean().default(false),
});
export type PreviewRequest = z.infer<typeof previewRequestSchema>;

/** `url` is `https://<label>.<preview domain>[:port]`, `host` its host with the port. Also of `GET /api/v1/previews` {previews: […]}. */
export const previewSchema = z.looseObject({
  id: z.string(),
  url: z.string(),
  host: z.string(),
  public: z.boolean(),
  clusterId: z.string(),
  intercept: z.looseObject({ uid: z.string(), namespace: z.string(), name: z.string() }),
});
export type PreviewAnswer = z.infer<typeof previewSchema>;
export const previewsSchema = z.looseObject({ previews: z.array(previewSchema) });
/** Body of `PATCH /api/v1/previews/:id`. */
export const previewChangeSchema = z.strictObject({ public: z.boolean() });

/** First thing on the link's control stream. */
export const cloudControlHeaderSchema = z.looseObject({ t: z.literal('cloud-control') });
/** cloud → manager: dial `host`:`port` inside the cluster (names by the cluster's DNS), TLS with SNI `sni` when `tls`, verified only with `ca`. */
export const previewHeaderSchema = z.looseObject({
  t: z.literal('preview'),
  host: z.string(),
  port,
  tls: z.boolean(),
  sni: z.string().optional(),
  ca: z.string().optional(),
});
export interface PreviewTarget {
  host: string;
  port: number;
  tls: boolean;
  sni?: string | undefined;
  ca?: string | undefined;
}

export const cloudHelloSchema = z.looseObject({
  version: z.string(),
  /** Pod name of the replica. */
  replica: z.string(),
  cluster: z.looseObject({ id: z.string() }),
});
export type CloudHello = z.infer<typeof cloudHelloSchema>;
export const cloudWelcomeSchema = z.looseObject({ version: z.string() });

/** One intercept as the cloud shows it. `uid` is the Intercept object's, `object` its name, `name` the one the user gave. */
export const cloudInterceptSchema = z.looseObject({
  uid: z.string(),
  namespace: z.string(),
  object: z.string(),
  name: z.string(),
  user: z.string(),
  hostname: z.string().optional(),
  workload: z.looseObject({ kind: z.string(), name: z.string() }),
  service: z.string().optional(),
  port: z.number().int(),
  mechanism: z.enum(['tcp', 'http']),
  http: httpFilterSchema.optional(),
  target: z.looseObject({ host: z.string(), port: z.number().int() }).optional(),
  phase: z.string().optional(),
  message: z.string().optional(),
  since: z.string().optional(),
  /** A tunnel of its session is there: the workstation is awake. Absent: not known. */
  connected: z.boolean().optional(),
  /** When it was there last, while it is not. */
  lastSeen: z.string().optional(),
  /** Requests (or connections) taken so far. */
  requests: z.number().int().optional(),
});
export type CloudIntercept = z.infer<typeof cloudInterceptSchema>;
export const cloudInterceptsSchema = z.looseObject({ intercepts: z.array(cloudInterceptSchema) });
export const endInterceptSchema = z.looseObject({ namespace: z.string(), object: z.string(), uid: z.string() });
export type EndIntercept = z.infer<typeof endInterceptSchema>;
