/** The report of the fault suite. */
import { TRANSITIONS, type Victim } from "./plan.ts";
import type { RoundResult } from "./round.ts";

export interface Report {
  readonly text: string;
  /** Sum of everything that must be 0. */
  readonly failures: number;
}

const VICTIMS: readonly Victim[] = ["server", "supervisor", "training", "rank"];

export function formatTable(results: readonly RoundResult[], facts: { seed: number; seconds: number }): Report {
  const kills = results.flatMap((result) => result.kills);
  const moreServerDeaths = results.reduce((total, result) => total + result.moreServerDeaths, 0);
  const died = (victim: Victim): number =>
    kills.filter((kill) => kill.victim === victim).length + (victim === "server" ? moreServerDeaths : 0);
  const verdicts = results.flatMap((result) => result.verdicts);
  const sum = (value: (verdict: (typeof verdicts)[number]) => number): number => verdicts.reduce((total, one) => total + value(one), 0);
  const states = new Map<string, number>();
  for (const { state } of verdicts) states.set(state, (states.get(state) ?? 0) + 1);

  const lostPoints = sum((one) => one.lostPoints);
  const lostLines = sum((one) => one.lostLines);
  const wrongStates = sum((one) => (one.wrongState ? 1 : 0));
  const orphans = results.reduce((total, result) => total + result.orphans.length, 0);
  const other = verdicts.filter((one) => one.findings.length > 0 && one.lostPoints === 0 && one.lostLines === 0 && !one.wrongState).length;
  const rows: [string, string][] = [
    ["seed", String(facts.seed)],
    ["rounds", String(results.length)],
    ["runs", `${verdicts.length} (${[...states].map(([state, count]) => `${count} ${state}`).join(", ")})`],
    ["kills", `${kills.length + moreServerDeaths} (${VICTIMS.map((victim) => `${died(victim)} ${victim}`).join(", ")})`],
    ...TRANSITIONS.map<[string, string]>((transition) => {
      const then = kills.filter((kill) => kill.during === transition);
      return [
        `  while ${transition}`,
        VICTIMS.map((victim) => `${then.filter((kill) => kill.victim === victim).length} ${victim}`).join(", "),
      ];
    }),
    ["  server just back, or before the check", `${moreServerDeaths} server`],
    ["torchrun pairs that lost a rank", String(results.reduce((total, result) => total + result.torchrunPairs, 0))],
    ["longest time without a server", `${(Math.max(0, ...results.map((result) => result.longestDowntimeMs)) / 1000).toFixed(0)} s`],
    ["points logged", String(sum((one) => one.points))],
    ["lines printed", String(sum((one) => one.lines))],
    ["never written before SIGKILL", `${sum((one) => one.neverWritten)} points (allowed: the last moments of a killed process)`],
    ["lost points", String(lostPoints)],
    ["lost log lines", String(lostLines)],
    ["wrong final states", String(wrongStates)],
    ["orphaned processes", String(orphans)],
    ["runs with other findings", String(other)],
    ["seconds", facts.seconds.toFixed(0)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const text = `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
  return { text, failures: lostPoints + lostLines + wrongStates + orphans + other + (verdicts.length === 0 ? 1 : 0) };
}
