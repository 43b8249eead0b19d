/**
 * How long the extension takes to be activated in a real VS Code, code loading included, as the workbench itself says it in "Show Running
 * Extensions": in new windows on a workspace with a store. The reference is VS Code's own Git extension in the same windows.
 */
import { startVsCode } from "../test/e2e/vscode.ts";
import type { Workbench } from "../test/e2e/workbench.ts";
import { median, quantile, type BenchResult } from "./lib/result.ts";

const ROUNDS = 9;

export async function run(): Promise<BenchResult> {
  const code = await startVsCode({ "notes.md": "# A workspace\n", "train.yaml": "recipe: script\n" });
  const ours: number[] = [];
  const git: number[] = [];
  try {
    // The first window compiles what later ones find in V8's cache on the disk: a user meets it once, after an installation.
    for (let round = 0; round <= ROUNDS; round++) {
      const window = await code.openWindow();
      await window.openActivity("Trainyard");
      await window.runCommand("Developer: Show Running Extensions");
      const times = [await activation(window, "Trainyard"), await activation(window, "Git")] as const;
      await window.close();
      if (round === 0) continue;
      ours.push(times[0]);
      git.push(times[1]);
    }
  } finally {
    await code.close();
  }
  return {
    bench: "activation",
    lines: [
      { what: "VS Code's own Git extension, median", value: median(git), unit: "ms" },
      { what: "Trainyard, loading and activation, median", value: median(ours), unit: "ms", target: { at_most: 50 } },
      { what: "  slowest", value: quantile(ours, 1), unit: "ms" },
    ],
  };
}

/** ms, as the list of running extensions gives it. */
async function activation(window: Workbench, name: string): Promise<number> {
  const row = window.page.locator(".runtime-extensions-editor .extension").filter({ has: window.page.getByText(name, { exact: true }) });
  const text = await row.locator(".activation-time", { hasText: /\d\s*ms/ }).innerText();
  const found = /(\d+)\s*ms/.exec(text)?.[1];
  return Number(found);
}
