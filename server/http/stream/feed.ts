/** One subscription of one connection: it notes that something changed and, when the socket can take it, sends what is new. */
import type { RunId } from "../../../protocol/ids.ts";
import type { ServerMessage } from "../../../protocol/messages.ts";
import type { Devices } from "../../devices/types.ts";
import type { Notices } from "../../notices/types.ts";
import type { OpenRuns, RunsChange } from "../../runs/types.ts";
import type { RunStore } from "../../store/types.ts";

export interface Sink {
  message(message: ServerMessage): void;
  frame(bytes: Uint8Array): void;
}

export interface FeedSources {
  /** The store that a run lies in. */
  readonly storeOf: (id: RunId) => RunStore;
  readonly runs: OpenRuns;
  readonly devices: Devices;
  readonly notices: Notices;
}

export interface Feed {
  /** Is there something to send? */
  readonly dirty: boolean;
  /**
   * Sends what is new. However long it was not called, the amount is bounded: what lies between is collapsed.
   * @returns true when the topic is over
   * @throws TrainyardError ends the subscription with an `error` message
   */
  flush(sink: Sink): Promise<boolean>;
  changed?(change: RunsChange): void;
  close(): void;
}
