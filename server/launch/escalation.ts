/**
 * How a stop goes: the SDK's graceful stop, then SIGTERM, then SIGKILL. The supervisor runs it; the server does when the supervisor is
 * dead. Time is passed in, so that the order can be tested without waiting.
 */
import type { ExitRecord, StopRequest } from "../../protocol/run.ts";

export type EscalationLevel = ExitRecord["escalation"];

/** A process that got SIGTERM has at least this long to end by itself, in seconds. */
export const TERM_SECONDS = 5;

export interface StopTarget {
  /** Wakes stopped processes, so that they can save and end. */
  wake(): void;
  terminate(): void;
  kill(): void;
}

export class Escalation {
  readonly #target: StopTarget;
  #level: EscalationLevel = "none";
  #termAt = Infinity;
  #killAt = Infinity;

  constructor(target: StopTarget) {
    this.#target = target;
  }

  get level(): EscalationLevel {
    return this.#level;
  }

  get asked(): boolean {
    return this.#level !== "none";
  }

  /**
   * A stop was asked for. A second request may shorten the wait or force the end, never lengthen it.
   * @param graceful does the training end by itself once it sees the request?
   * @param now milliseconds on any clock that `tick` uses too
   */
  ask(request: Pick<StopRequest, "grace_seconds" | "force">, graceful: boolean, now: number): void {
    const grace = request.grace_seconds * 1000;
    const term = request.force || !graceful ? now : now + grace;
    const kill = request.force ? now : Math.max(term + TERM_SECONDS * 1000, now + grace);
    this.#termAt = Math.min(this.#termAt, term);
    this.#killAt = Math.min(this.#killAt, kill);
    if (this.#level === "none") {
      this.#level = "graceful";
      this.#target.wake();
    }
    this.tick(now);
  }

  /** SIGKILL was sent to what was left of the attempt after its leader ended. */
  noteKill(): void {
    if (this.#level !== "none") this.#level = "sigkill";
  }

  /** Does what is due. */
  tick(now: number): void {
    if (this.#level === "none") return;
    if (now >= this.#killAt) {
      this.#level = "sigkill";
      // Again at each tick: a process may have been forked while the first was under way.
      this.#target.kill();
      return;
    }
    if (now >= this.#termAt && this.#level === "graceful") {
      this.#level = "sigterm";
      this.#target.terminate();
      this.#target.wake();
    }
  }
}
