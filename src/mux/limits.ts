/** Every number of the mux. docs/limits.md lists them with their reasons. */

/** Receive window of a new stream: fixed by the frame format, both sides assume it. */
export const INITIAL_WINDOW = 256 * 1024;
/** A stream's receive window grows up to this. */
export const MAX_WINDOW = 16 * 1024 * 1024;
/** What all streams of a session together may have grown beyond their initial windows. */
export const WINDOW_GROWTH_BUDGET = 48 * 1024 * 1024;
/** Received bytes that nobody has read yet, over all streams of a session. Beyond it the stream that holds most is reset. */
export const SESSION_BUFFER_LIMIT = 96 * 1024 * 1024;
/** Streams that may be open at once in a session. */
export const MAX_STREAMS = 16_384;
/** Payload of one Data frame: with its header a multiple of a full TLS record, and the turn of one stream before the next one's. */
export const MAX_FRAME_PAYLOAD = 64 * 1024 - 12;
/** Bytes handed to the transport and not yet taken by it; the rest waits in the streams, where turns are fair. */
export const TRANSPORT_BOUND = 256 * 1024;
/** Payload pieces up to this are copied beside their header; larger ones are handed on untouched. */
export const COPY_LIMIT = 2 * 1024;
/** Pings, resets and credit that wait for the transport. More means a peer that floods us and doesn't read. */
export const CONTROL_QUEUE_LIMIT = 1024 * 1024;
/** Buffer of a stream's writable and readable side, each. */
export const STREAM_HIGH_WATER_MARK = 128 * 1024;
/** Reasons of resets and of GOAWAY are cut to this many bytes. */
export const REASON_LIMIT = 256;
/** The round trip is measured again after this long while data flows. */
export const RTT_REFRESH_MS = 1_000;
/** Round trips below this count as this when windows grow: turns of the event loop are no shorter under load. */
export const RTT_FLOOR_MS = 4;
/** A round trip during which more than this was moved was measured under load. */
export const RTT_LOADED_BYTES = 64 * 1024;
/** The shortest of so many round trips sizes the windows: one slow answer must not. */
export const RTT_SAMPLES = 8;
/** A window below this may grow by the round trip under load: on a busy machine all round trips are long, and its queue is short. */
export const SMALL_WINDOW = 1024 * 1024;
/** A window that grows by four takes at most this part (a quarter) of what is left of WINDOW_GROWTH_BUDGET. */
export const LEAP_SHARE = 4;
/** How long the end of a stream whose other end has come waits for other frames to leave with: a write of its own costs both sides a TLS record. */
export const COMPANY_MS = 2;
/** How long a clean end waits for the peer to end too. */
export const LINGER_MS = 2_000;
/** Bytes carried, received or sent, until their buffers are collected: about what may pile up. Less pays no more, and costs more collections. */
export const SPENT_BYTES = 8 * 1024 * 1024;
