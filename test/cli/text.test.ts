import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXIT, exitCodeOfError, exitCodeOfRun } from "../../cli/exit-codes.ts";
import { displayWidth, formatBytes, formatDuration, formatNumber, formatProgress, formatTable } from "../../cli/format.ts";
import { selectRun } from "../../protocol/select-run.ts";
import { Terminal } from "../../cli/terminal.ts";
import { ErrorCode, TrainyardError } from "../../protocol/errors.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { RunState } from "../../protocol/states.ts";

class Sink {
  text = "";
  constructor(
    readonly isTTY = false,
    readonly columns = 40,
  ) {}
  write(text: string | Uint8Array): void {
    this.text += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
  }
}

describe("a terminal", () => {
  it("keeps results on stdout and all else on stderr", () => {
    const [out, err] = [new Sink(), new Sink()];
    const terminal = new Terminal(out, err);
    terminal.note("remark");
    terminal.showStatus("not shown without a terminal");
    terminal.result(true, { a: 1 }, () => "people");
    terminal.result(false, { a: 1 }, () => "people");
    expect(out.text).toBe('{"a":1}\npeople\n');
    expect(err.text).toBe("remark\n");
  });

  it("wipes the status line before anything else is written, and cuts it to the width", () => {
    const err = new Sink(true, 10);
    const terminal = new Terminal(new Sink(), err);
    terminal.showStatus("0123456789abc");
    terminal.note("remark");
    expect(err.text).toBe("\r\u001b[2K01234567…\r\u001b[2Kremark\n");
  });

  it("shows message, problems and hint, and the typed error with --json", () => {
    const [out, err] = [new Sink(), new Sink()];
    const error = new TrainyardError("invalid_spec", "bad", "do this", [
      { severity: "error", field: "params.lr", message: "too large", hint: "use 1" },
    ]);
    expect(new Terminal(out, err).error(true, error)).toBe(EXIT.invalid);
    expect(JSON.parse(out.text)).toEqual(error.toApi());
    expect(err.text).toBe("error: bad\n  error: params.lr: too large\n    use 1\nhint: do this\n");
  });

  it("calls anything else a fault of Trainyard", () => {
    const err = new Sink();
    expect(new Terminal(new Sink(), err).error(false, new Error("boom"))).toBe(EXIT.internal);
    expect(err.text).toContain("boom");
  });
});

describe("what others wrote, in a terminal", () => {
  const title = "\u001b]0;owned\u0007";
  const clipboard = "\u001b]52;c;cm0gLXJmIH4=\u001b\\";
  const hostile = `${title}${clipboard}\u001b[2J\u001b[1;1Hgood\u001b[5n\u009b6n\u001bc\u0007\u202Eknil\u001bP$q"p\u001b\\`;

  it("keeps its letters and loses its power, in names, notes and errors", () => {
    const [out, err] = [new Sink(true), new Sink(true)];
    const terminal = new Terminal(out, err);
    terminal.result(false, {}, () => `name: ${hostile}\tx\n\u001b[31mred`);
    terminal.note(hostile);
    terminal.error(false, new TrainyardError("not_found", hostile, hostile));
    expect(out.text).toBe("name: goodknil\tx\nred\n");
    expect(err.text).toBe("goodknil\nerror: goodknil\nhint: goodknil\n");
    terminal.showStatus(`a\n${hostile}`);
    expect(err.text.endsWith("a goodknil")).toBe(true);
  });

  it("keeps the colours of a log, and its progress bars while it is followed", () => {
    const out = new Sink(true);
    const terminal = new Terminal(out, new Sink());
    terminal.logLines([`\u001b[1;31mred${hostile}`, "plain"]);
    expect(out.text).toBe("\u001b[1;31mredgoodknil\u001b[0m\nplain\n");
    out.text = "";
    terminal.passThrough(Buffer.from(`\r 50%\u001b[K${hostile}\u001b[32mü`));
    expect(out.text).toBe("\r 50%\u001b[Kgoodknil\u001b[32mü\u001b[0m");
  });

  it("gives the bytes as they are to a program", () => {
    const out = new Sink(false);
    new Terminal(out, new Sink()).logLines([hostile]);
    expect(out.text).toBe(`${hostile}\n`);
  });

  it("lets no sequence through that comes in pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 }), { maxLength: 8 }), fc.string(), (cuts, text) => {
        const bytes = Buffer.from(`a${text}${hostile}\u001b[1mü${hostile}z`);
        const out = new Sink(true);
        const terminal = new Terminal(out, new Sink());
        let at = 0;
        for (const cut of cuts) terminal.passThrough(bytes.subarray(at, (at = Math.min(bytes.length, at + cut))));
        terminal.passThrough(bytes.subarray(at));
        /* eslint-disable no-control-regex -- nothing of these may be left */
        const left = out.text.replaceAll(/\u001b\[(?:[0-9;:]*m|[012]?K)/g, "");
        expect(/[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(left)).toBe(false);
        /* eslint-enable no-control-regex */
        expect(out.text).toContain("z");
      }),
    );
  });
});

describe("exit codes", () => {
  it("are never 0 for an error, and 0 for a completed run alone", () => {
    for (const code of ErrorCode.options) expect(exitCodeOfError(code)).toBeGreaterThan(0);
    for (const state of RunState.options) expect(exitCodeOfRun(state) === 0).toBe(state === "completed");
  });
});

describe("choosing a run", () => {
  const run = (id: string, name: string, created_at: string): RunSummary => ({ id, name, created_at }) as RunSummary;
  const runs = [
    run("run_aaaa0000000000001", "first", "2026-01-01T00:00:00.000Z"),
    run("run_aaab0000000000002", "twice", "2026-01-03T00:00:00.000Z"),
    run("run_aaab0000000000003", "twice", "2026-01-02T00:00:00.000Z"),
  ];

  it.each([
    ["run_aaaa0000000000001", 0],
    ["first", 0],
    ["aaaa", 0],
    ["run_aaaa", 0],
    ["0003", 2],
    ["latest", 1],
  ])("takes %s", (text, index) => {
    expect(selectRun(runs, text)).toBe(runs[index]?.id);
  });

  it.each([
    ["twice", "conflict"],
    ["run_aaa", "conflict"],
    ["nothing", "not_found"],
  ])("refuses %s", (text, code) => {
    expect(() => selectRun(runs, text)).toThrow(expect.objectContaining({ code }));
  });
});

describe("values", () => {
  it("read well", () => {
    expect(formatDuration(59.6)).toBe("1 min 0 s");
    expect(formatDuration(3725)).toBe("1 h 2 min");
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatNumber("NaN")).toBe("NaN");
    expect(formatNumber(0.000012345)).toBe("1.234e-5");
    expect(formatNumber(3.14159265)).toBe("3.1416");
  });

  it("show progress with what is known", () => {
    const progress = {
      step: 5,
      max_steps: null,
      epoch: null,
      max_epochs: null,
      fraction: null,
      elapsed_seconds: 1,
      eta_seconds: null,
      steps_per_second: null,
    };
    expect(formatProgress(progress)).toBe("step 5");
    expect(formatProgress({ ...progress, max_steps: 20, fraction: 0.25, eta_seconds: 61 })).toBe("step 5/20 · 25% · ETA 1 min 1 s");
  });

  it("aligns columns by what a terminal shows, and keeps a row on its line", () => {
    const names = ["run", "実験 七", "한국어", "🚂 train", "e\u0301tude", "a\nb\tc", "\u001b[31mred\u001b[0m"];
    const [header = "", ...lines] = formatTable(
      ["NAME", "END"],
      names.map((name) => [name, "|"]),
    ).split("\n");
    expect(lines).toHaveLength(names.length);
    const columns = (text: string): number => displayWidth(text.slice(0, text.lastIndexOf("|")));
    expect(new Set(lines.map(columns))).toEqual(new Set([header.indexOf("END")]));
    expect(names.slice(1, 5).map(displayWidth)).toEqual([7, 6, 8, 5]);
    expect(lines.slice(5)).toEqual([expect.stringMatching(/^a b c +\|$/), expect.stringMatching(/^red +\|$/)]);
  });

  it("stand in straight columns", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.stringMatching(/^\w*$/), fc.stringMatching(/^\w+$/)), { maxLength: 20 }), (rows) => {
        const lines = formatTable(["KEY", "VALUE"], rows).split("\n");
        const column = lines[0]?.indexOf("VALUE") ?? -1;
        rows.forEach(([, value], index) => {
          expect(lines[index + 1]?.slice(column)).toBe(value);
        });
      }),
    );
  });
});
