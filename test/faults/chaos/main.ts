/** Rounds of kills until there were enough (scripts/faults.mjs); prints the table. */
import path from "node:path";
import { planRound } from "./plan.ts";
import { chance } from "./random.ts";
import { runRound, type RoundResult } from "./round.ts";
import { formatTable } from "./table.ts";

/** Once in so many rounds the server stays away for long: trainings begin, end and fail without it. */
const LONG_DOWNTIME_EVERY = 8;
const LONG_DOWNTIME_MS = 20_000;
/** The long form leaves it away for minutes, once. */
const LONG_FORM_KILLS = 100;
const MINUTES_AWAY = { round: 2, ms: 180_000 };

export interface Order {
  /** Rounds go on until so many processes were killed. */
  readonly count: number;
  readonly seed: number;
  /** No round begins later than this; 0 = no limit. */
  readonly seconds: number;
  /** Keep the folders of rounds that found something. */
  readonly keep: boolean;
}

/** @returns the exit code */
export async function main({ count, seed, seconds, keep }: Order): Promise<number> {
  const limitMs = seconds * 1000;
  const begun = Date.now();
  const options = {
    python: process.env["TRAINYARD_TEST_PYTHON"] ?? "python3",
    training: path.resolve("test/faults/chaos/training.py"),
    keep,
  };
  const results: RoundResult[] = [];
  let kills = 0;
  for (let round = 1; kills < count; round++) {
    if (limitMs > 0 && Date.now() - begun > limitMs) break;
    const forMinutes = count >= LONG_FORM_KILLS && round === MINUTES_AWAY.round;
    const longDowntime = forMinutes ? MINUTES_AWAY.ms : round % LONG_DOWNTIME_EVERY === 0 ? LONG_DOWNTIME_MS : 0;
    const result = await runRound(planRound(chance(seed * 1_000_003 + round), round, longDowntime), options);
    results.push(result);
    const here = result.kills.length + result.moreServerDeaths;
    kills += here;
    const findings = [...result.orphans, ...result.verdicts.flatMap((one) => one.findings.map((text) => `${one.name}: ${text}`))];
    process.stderr.write(`round ${round}: ${result.verdicts.length} runs, ${here} kills, ${findings.length} findings\n`);
    for (const finding of findings.slice(0, 20)) process.stderr.write(`  ${finding}\n`);
  }
  const { text, failures } = formatTable(results, { seed, seconds: (Date.now() - begun) / 1000 });
  process.stdout.write(text);
  return failures === 0 ? 0 : 1;
}
