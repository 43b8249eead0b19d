// One line that is written over again in a terminal; elsewhere a plain line now and then.
const PLAIN_EVERY_MS = 5_000;

export class ProgressLine {
  #stream;
  #shown = false;
  #last = 0;

  constructor(stream) {
    this.#stream = stream;
  }

  /** @param {string} text */
  update(text) {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
      this.#shown = true;
    } else if (Date.now() - this.#last >= PLAIN_EVERY_MS) {
      this.#stream.write(`${text}\n`);
      this.#last = Date.now();
    }
  }

  /** A line that stays. @param {string} text */
  print(text) {
    if (this.#shown) this.#stream.write("\r\u001b[2K");
    this.#shown = false;
    this.#stream.write(`${text}\n`);
  }
}
