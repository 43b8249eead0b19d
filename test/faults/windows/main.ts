/** Kills the extension host of a real window in every state of a run (scripts/faults.mjs); prints the table. */
import { startVsCode } from "../../e2e/vscode.ts";
import { TRANSITIONS } from "../chaos/plan.ts";
import { killHostWhile, type HostDeath } from "./host-death.ts";

/** @returns the exit code */
export async function main(): Promise<number> {
  const code = await startVsCode({ "readme.md": "A folder for trainings.\n" });
  const deaths: HostDeath[] = [];
  try {
    const window = await code.openWindow();
    await window.openActivity("Trainyard");
    for (const during of TRANSITIONS) deaths.push(await killHostWhile(during, code, window));
  } finally {
    await code.close();
  }
  const sum = (value: (death: HostDeath) => number): number => deaths.reduce((total, death) => total + value(death), 0);
  const findings = deaths.flatMap(({ during, verdict }) => verdict.findings.map((finding) => `while ${during}: ${finding}`));
  for (const finding of findings) process.stderr.write(`  ${finding}\n`);
  const rows: [string, string][] = [
    ["kills of the extension host", `${deaths.length} (while ${deaths.map((death) => death.during).join(", ")})`],
    ["back by itself", `${sum((death) => (death.cameBack ? 1 : 0))}, the others by loading the window again`],
    ["runs found again", deaths.map(({ verdict }) => verdict.state).join(", ")],
    ["points logged", String(sum(({ verdict }) => verdict.points))],
    ["lost points", String(sum(({ verdict }) => verdict.lostPoints))],
    ["lost log lines", String(sum(({ verdict }) => verdict.lostLines))],
    ["wrong final states", String(sum(({ verdict }) => (verdict.wrongState ? 1 : 0)))],
    ["findings", String(findings.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  process.stdout.write(`${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`);
  return findings.length === 0 ? 0 : 1;
}
