/** Where the commands write: results to stdout, everything else to stderr. */
import { EXIT, exitCodeOfError } from "./exit-codes.ts";
import { TrainyardError } from "../protocol/errors.ts";

export interface OutputStream {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class Terminal {
  private status = "";

  constructor(
    readonly stdout: OutputStream,
    readonly stderr: OutputStream,
  ) {}

  /** The command's result: one JSON value, or text for people. */
  result(json: boolean, value: unknown, people: () => string): void {
    this.clearStatus();
    if (json) this.stdout.write(`${JSON.stringify(value)}\n`);
    else {
      const text = people();
      if (text !== "") this.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    }
  }

  /** Raw bytes of a training's log, as it wrote them. */
  passThrough(bytes: Uint8Array): void {
    this.clearStatus();
    this.stdout.write(bytes);
  }

  /** A remark for people. */
  note(text: string): void {
    this.clearStatus();
    this.stderr.write(`${text}\n`);
  }

  /** A line that the next one replaces; without a terminal nothing is shown, since nothing could be replaced. */
  showStatus(text: string): void {
    if (this.stderr.isTTY !== true || text === this.status) return;
    const width = (this.stderr.columns ?? 80) - 1;
    this.stderr.write(`\r\u001b[2K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
    this.status = text;
  }

  /** Message, problems and hint on stderr; with --json the typed error on stdout too. @returns the exit code */
  error(json: boolean, error: unknown): number {
    this.clearStatus();
    const known = error instanceof TrainyardError ? error : new TrainyardError("internal", describe(error), "Please report this.");
    if (json) this.stdout.write(`${JSON.stringify(known.toApi())}\n`);
    this.stderr.write(`error: ${known.message}\n`);
    for (const problem of known.problems) {
      this.stderr.write(`  ${problem.severity}: ${problem.field === "" ? "" : `${problem.field}: `}${problem.message}\n`);
      if (problem.hint !== null) this.stderr.write(`    ${problem.hint}\n`);
    }
    if (known.hint !== null) this.stderr.write(`hint: ${known.hint}\n`);
    return known.code === "internal" ? EXIT.internal : exitCodeOfError(known.code);
  }

  private clearStatus(): void {
    if (this.status !== "") this.stderr.write("\r\u001b[2K");
    this.status = "";
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
