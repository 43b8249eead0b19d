/** The difference of two runs' code in the comparison: a real server, a real repository. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

let root: string;
let server: RealServer;
const chromium = useChromium();
let page: Page;
let runs: string[];

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "trainyard-code-"));
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: root, encoding: "utf8" }).trim();
  git("init", "--quiet");
  const commit = async (rate: number): Promise<string> => {
    await writeFile(
      path.join(root, "train.py"),
      `optimizer = "adamw"\nrate = ${String(rate)}\n# <img src=x onerror=alert(1)>\nsteps = 100\n`,
    );
    git("add", "-A");
    git("commit", "--quiet", "-m", String(rate));
    return git("rev-parse", "HEAD");
  };
  const [first, second] = [await commit(0.1), await commit(0.2)];
  const of = (id: string, dirty_files = 0) => ({ root, commit: id, branch: null, remote: null, dirty_files });
  const snapshots = { one: of(first), two: of(second), again: of(first), lost: of("0".repeat(40), 2) };
  const known = Object.entries(snapshots).map(([name, git]) => ({
    params: { name },
    metrics: { loss: 1 },
    record: { id: newRunId(), name, git },
  }));
  runs = known.map(({ record }) => record.id);
  server = await RealServer.start(known);
  page = await chromium.open(1200, 800);
}, 60_000);

afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

it("shows which files differ and how, as text, and says where it cannot know", async () => {
  await page.goto(server.address(`compare=${runs.join(",")}`));
  await page.getByTestId("code-show").click();
  const file = page.getByTestId("code-file");
  await expect.poll(() => file.count()).toBe(1);
  expect(await page.getByTestId("code-summary").innerText()).toBe("1 file differs");
  expect((await file.innerText()).split("\n")).toEqual(
    expect.arrayContaining(["-rate = 0.1", "+rate = 0.2", " # <img src=x onerror=alert(1)>"]),
  );
  expect(await page.getByTestId("code-open").count()).toBe(0);
  await page.getByTestId("code-run").selectOption("again");
  await expect.poll(() => page.getByTestId("code-same").count()).toBe(1);
  await page.getByTestId("code-run").selectOption("lost");
  await expect.poll(() => page.getByTestId("code-unknown").innerText()).toContain("The code of lost");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.getByTestId("code-difference").isVisible()).toBe(false);
});
