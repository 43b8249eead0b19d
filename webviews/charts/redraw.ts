/** When a chart draws: at the next frame for what the user does, and seldom enough for new points that the page stays free. */

/** A busy machine makes every drawing look costly: what is new is shown after this long all the same. */
const LATEST_MS = 1500;

export interface Pace {
  /** New points redraw at most this often. */
  readonly everyMs: number;
  /** Drawing new points takes at most this share of the time. */
  readonly share: number;
}

export class Redraw {
  readonly #draw: () => void;
  readonly #onNews: () => void;
  readonly #pace: Pace;
  #frame = 0;
  #timer: number | undefined;
  #last = 0;
  /** From the start of the last drawing until it was painted, ms. */
  #cost = 0;

  /** @param draw draws; @param onNews what else new points change, called before they are drawn */
  constructor(draw: () => void, onNews: () => void, pace: Pace) {
    this.#draw = draw;
    this.#onNews = onNews;
    this.#pace = pace;
  }

  /** At the next frame. */
  soon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** New points came. */
  news(): void {
    if (this.#timer !== undefined) return;
    const apart = Math.min(LATEST_MS, Math.max(this.#pace.everyMs, this.#cost / this.#pace.share));
    this.#timer = window.setTimeout(
      () => {
        this.#timer = undefined;
        this.#onNews();
        this.soon();
      },
      Math.max(0, this.#last + apart - performance.now()),
    );
  }

  /** Runs a drawing and notes what it cost, with the painting that follows it. */
  measure(draw: () => void): void {
    const begun = performance.now();
    this.#last = begun;
    draw();
    afterPaint(() => {
      this.#cost = performance.now() - begun;
    });
  }

  cancel(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Lines are put on the canvas after the code that draws them has ended; a message posted in a frame is handled once it is painted. */
function afterPaint(run: () => void): void {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    run();
  };
  channel.port2.postMessage(null);
}
