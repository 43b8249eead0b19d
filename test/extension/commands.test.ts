import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatParams, parseOverrides } from "../../src/commands/overrides.ts";
import { quote, shellCommand } from "../../protocol/shell-command.ts";
import { localTime } from "../../protocol/local-time.ts";
import { logText, stripEscapes } from "../../src/documents/log-text.ts";

describe("overridden params", () => {
  it("reads numbers, lists, words and quoted text", () => {
    expect(parseOverrides("learning_rate=1e-4 max_steps=200 target_modules=[q_proj, v_proj] note='a b' bf16=true name=x")).toEqual({
      ok: true,
      params: { learning_rate: 1e-4, max_steps: 200, target_modules: ["q_proj", "v_proj"], note: "a b", bf16: true, name: "x" },
    });
    expect(parseOverrides("  ")).toEqual({ ok: true, params: {} });
  });

  it.each(["learning_rate", "lr=", "= 3", "5 lr=1"])("refuses %j and says why", (line) => {
    expect(parseOverrides(line)).toMatchObject({ ok: false });
  });

  it("reads back what it wrote, texts that look like assignments included", () => {
    const key = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/).filter((name) => name !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.constant("a b=1 c='2'"))), (params) => {
        const plain = JSON.parse(JSON.stringify(params)) as Record<string, unknown>;
        expect(parseOverrides(formatParams(params as Record<string, never>))).toEqual({ ok: true, params: plain });
      }),
    );
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (line) => typeof parseOverrides(line).ok === "boolean"));
  });
});

describe("the copied command", () => {
  it.skipIf(process.platform === "win32")("means the same to a shell, whatever the words are", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: "grapheme" }).filter((w) => !w.includes("\0")),
          { minLength: 1, maxLength: 4 },
        ),
        (words) => {
          const out = execFileSync("sh", ["-c", `printf '%s\\0' ${words.map(quote).join(" ")}`]).toString();
          expect(out.split("\0").slice(0, -1)).toEqual(words);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("does not write into the run that it came from", () => {
    const text = shellCommand({ command: ["python", "a b.py"], cwd: "/x", env: { TRAINYARD_RUN_DIR: "/r", PYTHONPATH: "/p", LR: "1 2" } });
    expect(text).toBe("cd /x && LR='1 2' python 'a b.py'");
  });
});

describe("the log document", () => {
  const ALL = { start: null, end: null };

  it("takes colours, titles and links out", () => {
    expect(stripEscapes("\u001b[1;32mok\u001b[0m \u001b]0;title\u0007x\u001b]8;;http://a\u001b\\y")).toBe("ok xy");
  });

  it("says how much is left out", () => {
    expect(logText([], 12_000, ALL)).toContain("12,000 earlier lines");
    expect(logText([], 0, ALL)).toBe("");
  });

  it("says which range of time it holds", () => {
    const [start, end] = [new Date(2026, 0, 2, 10, 0).getTime(), new Date(2026, 0, 2, 10, 15).getTime()];
    const [from, until] = [start, end].map(localTime);
    expect(logText([], 0, { start, end })).toBe(`… Only what was written from ${from!} until before ${until!}: 0 lines\n`);
    expect(logText([], 1000, { start, end: null })).toContain(`… Only what was written from ${from!}: 1,000 lines\n… 1,000 earlier`);
  });
});
