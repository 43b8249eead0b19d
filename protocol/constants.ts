/** Numbers and names of the protocol, apart from its shapes: the programs that must start fast read them without the schema library. */

export const PROTOCOL_VERSION = 1;

/** Version of the run folder's layout. Readers refuse a newer one with a clear message. */
export const RUN_FOLDER_VERSION = 1;

/** The WebSocket (protocol/messages.ts). */
export const WS_PATH = "/api/stream";
export const WS_PROTOCOL = "trainyard.v1";

/** In the store's folder. */
export const DISCOVERY_FILE = ".server/discovery.json";

/** The highest limit of the queue: more runs at a time are a slip of the hand on one machine. */
export const MOST_CONCURRENT = 1000;

/** Of a run, in characters. */
export const LONGEST_DESCRIPTION = 10_000;
export const LONGEST_NOTES = 100_000;
