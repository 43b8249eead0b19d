/** `trainyard cat` and the limits that `trainyard doctor` looks at, on files as trainings leave them. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addCatCommand } from "../../cli/commands/cat.ts";
import { limitFinding, machineFindings, softLimit } from "../../cli/machine-findings.ts";
import { Terminal } from "../../cli/terminal.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { resolvedSpec, runRecord } from "../store/fixtures.ts";

let root: string;
let run: RunFolder;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "ty-cat-"));
  const store = await openStore(path.join(root, ".trainyard"));
  const record = runRecord({ name: "mine", state: "completed" });
  run = await store.create(record, { specYaml: "recipe: script\n# mine\n", resolved: resolvedSpec(record.id, root) });
  store.close();
  await writeFile(path.join(run.paths.artifacts, "table.csv"), "a,b\n1,2\n3,4\n5,6\n");
  await writeFile(path.join(run.paths.artifacts, "bytes.bin"), Buffer.from([0, 1, 254, 255]));
  const header = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await mkdir(path.join(run.paths.artifacts, "model"));
  await writeFile(path.join(run.paths.artifacts, "model", "w.safetensors"), Buffer.concat([length, header, Buffer.alloc(24)]));
  await symlink("/etc/hostname", path.join(run.paths.artifacts, "out"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function cat(...words: string[]): Promise<Buffer> {
  const written: Buffer[] = [];
  const stream = { write: (text: string | Uint8Array) => written.push(Buffer.from(text)) };
  const program = new Command().exitOverride();
  addCatCommand(program, { terminal: new Terminal(stream, stream), passedOn: null, exitCode: 0 });
  await program.parseAsync(["cat", ...words, "--store", path.join(root, ".trainyard")], { from: "user" });
  return Buffer.concat(written);
}

describe("cat", () => {
  it("prints files as they are, and lists them", async () => {
    expect(await cat("mine", "bytes.bin")).toEqual(Buffer.from([0, 1, 254, 255]));
    expect((await cat("mine", "spec.yaml")).toString()).toBe("recipe: script\n# mine\n");
    expect((await cat("mine", "run.json")).toString()).toContain('"name": "mine"');
    const listed = (JSON.parse((await cat("mine", "--json")).toString()) as { path: string }[]).map((one) => one.path);
    expect(listed).toEqual(expect.arrayContaining(["table.csv", "bytes.bin", "model/w.safetensors"]));
    expect((await cat("mine")).toString()).toContain("table.csv");
  });

  it("shows what can be shown", async () => {
    expect((await cat("mine", "table.csv", "--preview", "--rows", "1")).toString()).toBe("a  b\n1  2\n…\n");
    expect((await cat("mine", "model/w.safetensors", "--preview")).toString()).toMatch(/1 tensors, 6 parameters\n.*\nw +F32 +2 × 3/);
    expect(JSON.parse((await cat("mine", "table.csv", "--json")).toString())).toMatchObject({ kind: "table", columns: ["a", "b"] });
  });

  it.each([
    ["git.patch", "not_found"],
    ["nothing.txt", "not_found"],
    ["../run.json", "forbidden"],
    ["/etc/hostname", "forbidden"],
    ["out", "forbidden"],
    ["model", "not_found"],
  ])("refuses %s with %s", async (file, code) => {
    await expect(cat("mine", file)).rejects.toMatchObject({ code });
    await expect(cat("yours", file)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("doctor's look at the machine", () => {
  it("tells limits that are too low, and says nothing where the system does not", () => {
    const limits =
      "Limit                     Soft Limit           Hard Limit           Units\nMax open files            256                  4096                 files\n";
    expect(softLimit(limits)).toBe("256");
    expect(limitFinding("open files", softLimit(limits), 1024, "raise it")).toMatchObject([{ status: "missing", advice: "raise it" }]);
    expect(limitFinding("open files", "unlimited", 1024, "raise it")).toMatchObject([{ status: "ok", advice: null }]);
    expect(limitFinding("open files", softLimit(null), 1024, "raise it")).toEqual([]);
  });

  it("finds the loopback, and a folder of secrets that others can read", async () => {
    const secrets = path.join(root, ".trainyard", ".server");
    await mkdir(secrets, { mode: 0o755 });
    const findings = await machineFindings(path.join(root, ".trainyard"));
    expect(findings.find(({ what }) => what === "loopback")?.status).toBe("ok");
    expect(findings.find(({ what }) => what === "permissions")).toMatchObject({ status: "missing", advice: `chmod 700 ${secrets}` });
  });
});
