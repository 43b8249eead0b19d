/** CSV (RFC 4180) row by row from a stream of text. */
import { TrainyardError } from "../../protocol/errors.ts";

/** A longer cell is a quote that was never closed. */
const MAX_CELL = 1_000_000;

export class CsvRows {
  readonly #rows: string[][] = [];
  #row: string[] = [];
  #cell = "";
  #quoted = false;
  /** A quote within quotes: the end of the cell, or the first half of a quote. */
  #quoteSeen = false;
  #fresh = true;

  /** Takes text in and gives the rows that it ends. */
  push(text: string): string[][] {
    for (const character of text) this.#take(character);
    if (this.#cell.length > MAX_CELL)
      throw new TrainyardError("bad_request", "the CSV file has a cell of more than a million characters", "Is a quote missing in it?");
    return this.#rows.splice(0);
  }

  /** The last row, where no line end follows it. */
  end(): string[][] {
    if (this.#cell !== "" || this.#row.length > 0) this.#endRow();
    return this.#rows.splice(0);
  }

  #take(character: string): void {
    if (this.#quoted) {
      if (this.#quoteSeen) {
        this.#quoteSeen = false;
        if (character === '"') {
          this.#cell += '"';
          return;
        }
        this.#quoted = false;
      } else if (character === '"') {
        this.#quoteSeen = true;
        return;
      } else {
        this.#cell += character;
        return;
      }
    }
    if (character === '"' && this.#fresh) {
      this.#quoted = true;
      this.#fresh = false;
    } else if (character === ",") this.#endCell();
    else if (character === "\n") this.#endRow();
    else if (character !== "\r") {
      this.#cell += character;
      this.#fresh = false;
    }
  }

  #endCell(): void {
    this.#row.push(this.#cell);
    this.#cell = "";
    this.#fresh = true;
  }

  #endRow(): void {
    this.#endCell();
    if (this.#row.length > 1 || this.#row[0] !== "") this.#rows.push(this.#row);
    this.#row = [];
  }
}
