/** Where the commands write: results to stdout, everything else to stderr. */
import { EXIT, exitCodeOfError } from "./exit-codes.ts";
import { TrainyardError } from "../protocol/errors.ts";
import { colouredText, LiveOutput, plainText } from "./terminal-text.ts";

export interface OutputStream {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class Terminal {
  private status = "";
  private readonly live = new LiveOutput();

  constructor(
    readonly stdout: OutputStream,
    readonly stderr: OutputStream,
  ) {}

  /** The command's result: one JSON value, or text for people. */
  result(json: boolean, value: unknown, people: () => string): void {
    this.clearStatus();
    if (json) this.stdout.write(`${JSON.stringify(value)}\n`);
    else {
      const text = plainText(people());
      if (text !== "") this.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    }
  }

  /** Lines of a training's log: as they are where a program reads them, without what it must not do to a terminal where a person does. */
  logLines(lines: readonly string[]): void {
    this.clearStatus();
    for (const line of lines) this.stdout.write(`${this.stdout.isTTY === true ? colouredText(line) : line}\n`);
  }

  /** Bytes of a training's log as they come; the same rule. */
  passThrough(bytes: Uint8Array): void {
    this.clearStatus();
    this.stdout.write(this.stdout.isTTY === true ? this.live.push(bytes) : bytes);
  }

  /** A remark for people. */
  note(text: string): void {
    this.clearStatus();
    this.stderr.write(`${plainText(text)}\n`);
  }

  /** A line that the next one replaces; without a terminal nothing is shown, since nothing could be replaced. */
  showStatus(status: string): void {
    const text = plainText(status).replaceAll("\n", " ");
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
    this.stderr.write(`error: ${plainText(known.message)}\n`);
    for (const problem of known.problems) {
      this.stderr.write(plainText(`  ${problem.severity}: ${problem.field === "" ? "" : `${problem.field}: `}${problem.message}\n`));
      if (problem.hint !== null) this.stderr.write(`    ${plainText(problem.hint)}\n`);
    }
    if (known.hint !== null) this.stderr.write(`hint: ${plainText(known.hint)}\n`);
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
