/** The short form of the extension host's deaths; all of them: `npm run test:faults -- --only windows`. */
import { afterAll, beforeAll, expect, it, onTestFailed } from "vitest";
import { killHostWhile } from "../faults/windows/host-death.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

let code: VsCode;
let window: Workbench;

beforeAll(async () => {
  code = await startVsCode({ "readme.md": "A folder for trainings.\n" });
  window = await code.openWindow();
  await window.openActivity("Trainyard");
});
afterAll(() => code.close());

it("finds the run again when its extension host was killed, and nothing is lost", async () => {
  onTestFailed(() => {
    console.error(`The host's log is ${code.hostLog}`);
  });
  const { verdict } = await killHostWhile("running", code, window);
  await window.screenshot("host-killed");
  expect(verdict).toMatchObject({ state: "cancelled", lostPoints: 0, lostLines: 0, wrongState: false, findings: [] });
});
