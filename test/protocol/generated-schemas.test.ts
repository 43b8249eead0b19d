/** The committed JSON Schemas are those that the shapes give now, and they agree with the shapes on real documents. */
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Validator, type Schema } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import { ReportRecord } from "../../protocol/report.ts";
import { RunSpec } from "../../protocol/spec.ts";

const root = path.resolve(import.meta.dirname, "../..");
const folder = path.join(root, "protocol/generated");

async function validator(file: string): Promise<Validator> {
  return new Validator(JSON.parse(await readFile(path.join(folder, file), "utf8")) as Schema, "2020-12", false);
}

describe("generated schemas", () => {
  it("are not stale", async () => {
    const { stderr } = await promisify(execFile)(process.execPath, ["scripts/generate-schemas.mjs", "--check"], { cwd: root });
    expect(stderr).toBe("");
  });

  it("are each a schema with a name of its own", async () => {
    const files = (await readdir(folder)).filter((file) => file.endsWith(".schema.json"));
    const ids = await Promise.all(
      files.map(async (file) => (JSON.parse(await readFile(path.join(folder, file), "utf8")) as { $id: string }).$id),
    );
    expect(new Set(ids).size).toBe(files.length);
    expect(files.length).toBeGreaterThanOrEqual(10);
  });

  it.each([
    [{ type: "dropped", time: 1, count: 3, reason: "disk full" }, true],
    [{ type: "dropped", time: 1, count: 0, reason: "disk full" }, false],
    [{ type: "end", time: 1, status: "completed", step: 3, reason: null, error: null }, true],
    [{ type: "end", time: 1, status: "crashed", step: 3, reason: null, error: null }, false],
    [{ type: "checkpoint", time: 1, step: 1, path: "c", kind: "full", framework: "f", metrics: { loss: "NaN" }, final: false }, true],
    [{ type: "checkpoint", time: 1, step: 1, path: "c", kind: "full", framework: "f", metrics: { loss: "much" }, final: false }, false],
    [{ type: "nonsense", time: 1 }, false],
  ])("say of %j what the shape says", async (record, good) => {
    expect(ReportRecord.safeParse(record).success).toBe(good);
    expect((await validator("report-record.schema.json")).validate(record).valid).toBe(good);
  });

  it.each([
    [{ recipe: "script" }, true],
    [{ recipe: "script", params: { script: "train.py" }, args: ["--lr", "1"], grace_seconds: 5 }, true],
    [{ params: {} }, false],
    [{ recipe: "script", no_such_field: 1 }, false],
    [{ recipe: "script", grace_seconds: -1 }, false],
    [{ recipe: "script", project: "a/b" }, false],
  ])("let a person leave out what has a default: %j", async (document, good) => {
    expect(RunSpec.safeParse(document).success).toBe(good);
    expect((await validator("run-spec.schema.json")).validate(document).valid).toBe(good);
  });
});
