/**
 * The tables. Times are milliseconds since 1970, truth values 0 or 1, JSON is text: the same on SQLite and PostgreSQL.
 * Columns named `hash` or `…_hash` hold the SHA-256 of a secret; no secret itself is ever stored.
 */
export interface Tables {
  users: { id: string; name: string; email: string | null; password: string | null; created_at: number };
  identities: { provider: string; subject: string; user_id: string; created_at: number };
  organisations: { id: string; name: string; provider: string | null; external_id: string | null; created_at: number };
  memberships: { organisation_id: string; user_id: string; role: 'owner' | 'member'; source: string; created_at: number };
  invitations: {
    id: string;
    organisation_id: string;
    token_hash: string;
    role: 'owner' | 'member';
    email: string | null;
    created_by: string | null;
    created_at: number;
    expires_at: number;
    accepted_at: number | null;
    accepted_by: string | null;
  };
  sessions: { hash: string; user_id: string; organisation_id: string | null; created_at: number; seen_at: number; expires_at: number };
  oauth_codes: {
    hash: string;
    user_id: string;
    organisation_id: string;
    redirect_uri: string;
    challenge: string;
    created_at: number;
    expires_at: number;
    used_at: number | null;
  };
  tokens: {
    id: string;
    hash: string;
    kind: 'access' | 'apikey';
    user_id: string;
    organisation_id: string;
    name: string;
    created_at: number;
    seen_at: number | null;
    expires_at: number | null;
    code_hash: string | null;
  };
  clusters: {
    id: string;
    /** uid of namespace kube-system: unique within an organisation only, for anybody may claim to have it. */
    uid: string;
    organisation_id: string;
    name: string;
    token_hash: string | null;
    created_by: string | null;
    created_at: number;
    seen_at: number | null;
  };
  previews: {
    id: string;
    label: string;
    organisation_id: string;
    cluster_id: string;
    created_by: string;
    intercept_uid: string;
    intercept: string;
    header_name: string;
    header_value: string;
    ingress: string;
    public: number;
    created_at: number;
    /** Since when the managers' lists lack the intercept. */
    missing_since: number | null;
    ended_at: number | null;
  };
  preview_grants: { hash: string; preview_id: string; user_id: string; session_hash: string; path: string; expires_at: number };
  preview_sessions: { hash: string; preview_id: string; user_id: string; session_hash: string; expires_at: number };
  audit: {
    id: string;
    at: number;
    organisation_id: string | null;
    user_id: string | null;
    actor: string;
    action: string;
    subject: string;
    detail: string;
    address: string | null;
  };
  /** Cloud replicas that live. `address`: where the others reach it. */
  replicas: { id: string; address: string; seen_at: number };
  /** Managers' links, each held by one cloud replica, and the list that came over it. */
  links: {
    id: string;
    replica_id: string;
    cluster_id: string;
    manager: string;
    version: string;
    intercepts: string;
    connected_at: number;
    listed_at: number | null;
  };
  rate_limits: { key: string; points: number; expire: number | null };
}
