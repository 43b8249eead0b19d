/** The user's Python as the server asks it: what is kept of an answer, and what is said when the system ends the process. */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { RecipeDescriber } from "../../server/recipes/describe.ts";
import { callRecipes } from "../../server/recipes/python-module.ts";
import { isAlive, until } from "../support/processes.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "trainyard-python-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** An interpreter that does as a line of shell says. */
async function interpreter(name: string, line: string): Promise<string> {
  const file = path.join(dir, name);
  await writeFile(file, `#!/bin/sh\n${line}\n`);
  await chmod(file, 0o755);
  return file;
}

test("an interpreter that the system kills has most likely run out of memory", async () => {
  const python = await interpreter("killed", "kill -KILL $$");
  const call = { python, packageRoot: dir, cwd: dir };
  await expect(callRecipes({ ...call, args: ["probe"] })).rejects.toMatchObject({
    code: "python_unusable",
    message: `the system killed ${python} while it tried a few steps: most likely the memory of this machine ran out`,
    hint: expect.stringContaining("a smaller batch") as string,
  });
  await expect(callRecipes({ ...call, args: ["check"] })).rejects.toMatchObject({ message: expect.stringContaining("memory") as string });
});

test("an interpreter that hangs is given up in time, with all that it started", async () => {
  const pids = path.join(dir, "pids");
  // As a shim does: the process that hangs is not the one that was started, and it holds its output.
  const python = await interpreter("hangs", `sleep 600 & echo $! >"${pids}"; wait`);
  const started = performance.now();
  const call = callRecipes({ python, packageRoot: dir, cwd: dir, args: ["describe"], timeoutMs: 1_200 });
  await expect(call).rejects.toMatchObject({ code: "timeout", message: `${python} did not answer within 1 s` });
  expect(performance.now() - started).toBeLessThan(5_000);
  const pid = Number(await readFile(pids, "utf8"));
  await until("the end of what it started", () => Promise.resolve(!isAlive(pid)));
});

test("an answer that lacks fields is asked for again soon, a whole one is kept", async () => {
  const answer = (complete: boolean): string =>
    JSON.stringify({ environment: { executable: "p", version: "3.12.0", prefix: "/", packages: {} }, recipes: [], problems: [], complete });
  await writeFile(path.join(dir, "short"), answer(false));
  await writeFile(path.join(dir, "whole"), answer(true));
  const asked = path.join(dir, "asked");
  // The first answer is the short one.
  const python = await interpreter(
    "described",
    `if [ -e "${asked}" ]; then cat "${dir}/whole"; else cat "${dir}/short"; fi; echo x >>"${asked}"`,
  );
  const describer = new RecipeDescriber(dir);
  const clock = vi.spyOn(Date, "now");
  const at = async (seconds: number): Promise<boolean> => {
    clock.mockReturnValue(1_000_000 + seconds * 1000);
    return (await describer.describe(python, dir)).complete;
  };
  try {
    expect([await at(0), await at(1), await at(3), await at(50)]).toEqual([false, false, true, true]);
    expect(await readFile(asked, "utf8")).toBe("x\nx\n");
  } finally {
    clock.mockRestore();
  }
});
