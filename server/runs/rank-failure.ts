/** Which of several ranks was ended by a signal first, as torchrun says it at the end of its log. */

export interface RankFailure {
  readonly rank: number;
  /** `SIGKILL` */
  readonly signal: string;
  /** The lines that say so. */
  readonly evidence: readonly string[];
}

const ROOT_CAUSE = "Root Cause (first observed failure):";
const RANK = /^\s*rank\s*:\s*(\d+) \(local_rank: \d+\)/;
const SIGNAL = /^\s*traceback\s*:\s*Signal \d+ \((SIG\w+)\) received by PID/;
/** Lines that torchrun writes about one rank. */
const BLOCK = 8;

/**
 * The others fail because of the first one, with errors about lost connections that stand in the log before and after: only this report tells
 * cause from consequence. @returns null where no launcher reported a rank, or the first one ended by itself: its own error says why
 */
export function firstSignalledRank(lines: readonly string[]): RankFailure | null {
  const start = lines.findLastIndex((line) => line.startsWith(ROOT_CAUSE));
  if (start < 0) return null;
  const block = lines.slice(start, start + BLOCK);
  const find = (pattern: RegExp): string | undefined => block.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
  const [rank, signal] = [find(RANK), find(SIGNAL)];
  if (rank === undefined || signal === undefined) return null;
  return { rank: Number(rank), signal, evidence: block.filter((line) => line.trim() !== "") };
}
