/**
 * What is needed to talk to one API server as one user: plain data, so that it can be logged about, compared and handed
 * to another process (over a socket of mode 0600: it holds secrets).
 */

/** The `exec` section of a kubeconfig's user, made ready to run. */
export interface ExecPlugin {
  apiVersion: string;
  /** An absolute path, or a bare name that is looked up in the caller's PATH. */
  command: string;
  args: string[];
  env: Record<string, string>;
  interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  provideClusterInfo: boolean;
  installHint?: string;
  /** Directory the plugin is run in, and the environment it inherits: the caller's, not those of a daemon. */
  cwd: string;
  callerEnv: Record<string, string>;
}

export interface KubeUser {
  token?: string;
  /** Read again when it may have been rotated. Wins over `token`. */
  tokenFile?: string;
  username?: string;
  password?: string;
  /** PEM. Where a file is named too, it is read again when it may have been rotated. */
  clientCertificate?: string;
  clientCertificateFile?: string;
  clientKey?: string;
  clientKeyFile?: string;
  exec?: ExecPlugin;
}

export interface Impersonation {
  user?: string;
  uid?: string;
  groups: string[];
  extra: Record<string, string[]>;
}

export interface KubeConnection {
  /** URL without a trailing slash; may have a path (Rancher and other gateways). */
  server: string;
  /** PEM; the system's roots are used where there is none. */
  certificateAuthority?: string;
  /** Name that the server's certificate is checked against, and that is sent as SNI, instead of the URL's host. */
  tlsServerName?: string;
  insecureSkipTlsVerify: boolean;
  /** http, https or socks5 proxy to the API server. */
  proxyUrl?: string;
  user: KubeUser;
  /** Name of the user's entry in the kubeconfig, for messages. */
  userName?: string;
  impersonate?: Impersonation;
  /** --request-timeout; 0 is none. */
  requestTimeoutMs?: number;
  /** What the cluster's extension `client.authentication.k8s.io/exec` holds: handed to plugins with the cluster's info. */
  execClusterConfig?: unknown;
}
