/** Which way a metric is better. Known by the conventions of names, or said by the user; never assumed. */

export type Direction = "lower" | "higher";

/** The words that a metric's name ends in (after qualifiers): what they measure is beyond doubt. */
const LOWER: ReadonlySet<string> = new Set("loss losses error err perplexity ppl nll wer cer mae mse rmse mape bpb bpc fid".split(" "));
const HIGHER: ReadonlySet<string> = new Set(
  "accuracy accuracies acc f1 precision recall auc auroc bleu rouge rouge1 rouge2 rougel meteor reward match map ndcg mrr iou dice r2".split(
    " ",
  ),
);
/** Words that say how a value was averaged, not what it is. `std` is not among them: it is a spread, good neither way. */
const QUALIFIERS: ReadonlySet<string> = new Set("macro micro weighted mean avg average ema epoch step".split(" "));

/** Words that turn a metric round: scikit-learn's neg_mean_squared_error is better when higher. */
const TURNING: ReadonlySet<string> = new Set("neg negative minus inv inverse reciprocal not non no anti".split(" "));

/** @returns null where the name says nothing: then the user is asked */
export function knownDirection(metric: string): Direction | null {
  const words = metric
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== "");
  if (words.some((word) => TURNING.has(word))) return null;
  while (words.length > 1 && QUALIFIERS.has(words.at(-1) ?? "")) words.pop();
  const last = words.at(-1) ?? "";
  if (LOWER.has(last)) return "lower";
  // "match" alone says little; exact_match does.
  if (last === "match") return words.at(-2) === "exact" ? "higher" : null;
  return HIGHER.has(last) ? "higher" : null;
}

/** What the user said for metrics whose name does not; by name. */
export type ChosenDirections = Readonly<Record<string, Direction>>;

export function directionOf(metric: string, chosen: ChosenDirections): Direction | null {
  return chosen[metric] ?? knownDirection(metric);
}

/** One click further: unknown, lower, higher, and back to what the name says. */
export function nextDirection(metric: string, chosen: ChosenDirections): ChosenDirections {
  const now = directionOf(metric, chosen);
  const rest = Object.fromEntries(Object.entries(chosen).filter(([name]) => name !== metric));
  if (now === null) return { ...rest, [metric]: "lower" };
  if (chosen[metric] === undefined) return { ...rest, [metric]: now === "lower" ? "higher" : "lower" };
  return knownDirection(metric) === null && now === "lower" ? { ...rest, [metric]: "higher" } : rest;
}

/** Is `difference` (value minus baseline) an improvement? null when that is not known, or there is none. */
export function isBetter(difference: number, direction: Direction | null): boolean | null {
  if (direction === null || difference === 0 || !Number.isFinite(difference)) return null;
  return direction === "lower" ? difference < 0 : difference > 0;
}
