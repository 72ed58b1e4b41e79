/** Bounds of the link to the cloud; docs/limits.md lists them. */

/** From the first byte to the 101, TLS and names included. */
export const CLOUD_DIAL_TIMEOUT_MS = 10_000;
/** Waits between tries while the cloud is away. Short: previews must be back within 5 s of the cloud. */
export const CLOUD_RETRY_FIRST_MS = 250;
export const CLOUD_RETRY_MOST_MS = 3_000;
/** A token that the cloud refused is tried again this often, unless another comes first. */
export const CLOUD_REFUSED_RETRY_MS = 60_000;
/** A link that lived so long starts again with the shortest wait. */
export const CLOUD_STEADY_MS = 10_000;
/** How often an idle link is asked whether it is there, and how long it may take to answer. */
export const CLOUD_PING_MS = 10_000;
export const CLOUD_PING_TIMEOUT_MS = 5_000;
/** Time for the cloud's answer to the hello. */
export const CLOUD_HELLO_TIMEOUT_MS = 10_000;
/** How often the cloud is told how much intercepts took, while they take. */
export const CLOUD_TAKEN_EVERY_MS = 1_000;
/** How long a closing link may take to end its streams. */
export const CLOUD_CLOSE_MS = 1_000;
/** Preview connections at once, of one replica. More are refused. */
export const PREVIEW_STREAM_LIMIT = 4_096;
/** Dials to ingresses at once; more wait in line. */
export const PREVIEW_DIAL_LIMIT = 256;
/** From the stream to the ingress's TLS handshake, names included. */
export const PREVIEW_DIAL_TIMEOUT_MS = 10_000;
/** Time for a preview stream's header. */
export const PREVIEW_HEADER_TIMEOUT_MS = 5_000;
/** How long an ingress's addresses are believed, and of how many. */
export const INGRESS_NAME_TTL_MS = 5_000;
export const INGRESS_NAMES_LIMIT = 256;
