/** What a retention rule may take, over generated checkpoints. That the files go, and only they: test/http/retention.test.ts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { RetentionRule } from "../../protocol/retention.ts";
import { whyKept, type RetentionFacts } from "../../server/runs/retention.ts";

const NOW = Date.UTC(2026, 5, 1);
const FOLDER = "/store/demo/runs/run_1/checkpoints";

const rule: fc.Arbitrary<RetentionRule> = fc
  .record(
    {
      keep_last: fc.integer({ min: 1, max: 6 }),
      keep_best: fc.record({
        metric: fc.constant("eval/loss"),
        direction: fc.constantFrom("min" as const, "max" as const),
        count: fc.integer({ min: 1, max: 4 }),
      }),
      keep_every: fc.integer({ min: 1, max: 40 }),
      remove_torn: fc.boolean(),
    },
    { requiredKeys: ["remove_torn"] },
  )
  .filter((one) => RetentionRule.safeParse(one).success);

const drawn = fc.record({
  step: fc.nat({ max: 100 }),
  attempt: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom("full" as const, "weights" as const, "adapter" as const),
  status: fc.constantFrom(
    "complete" as const,
    "complete" as const,
    "complete" as const,
    "writing" as const,
    "torn" as const,
    "missing" as const,
  ),
  tagged: fc.nat({ max: 5 }).map((n) => n === 0),
  loss: fc.oneof(fc.double({ noNaN: false }), fc.constantFrom("NaN" as const, "Infinity" as const)),
  ageMs: fc.integer({ min: 0, max: 400_000 }),
  used: fc.constantFrom("no", "no", "no", "forked", "continued"),
  place: fc.constantFrom("inside", "inside", "inside", "inside", "outside", "link", "within"),
});

interface Drawn {
  readonly facts: RetentionFacts;
  readonly used: ReadonlySet<Checkpoint>;
}

const cases: fc.Arbitrary<Drawn> = fc
  .record({ rule, all: fc.array(drawn, { maxLength: 12 }), live: fc.boolean() })
  .map(({ rule: of, all, live }) => {
    const real = new Map<string, string>();
    const inside = new Set<string>();
    const forkedFrom = new Set<string>();
    const continuedFrom = new Set<string>();
    const used = new Set<Checkpoint>();
    const checkpoints = all
      .map((one, index): Checkpoint => {
        const name = `checkpoint-${index}`;
        const path =
          one.place === "outside" ? `/elsewhere/${name}` : one.place === "within" ? `${FOLDER}/checkpoint-0/${name}` : `${FOLDER}/${name}`;
        // A link leads to the first one.
        real.set(path, one.place === "link" ? `${FOLDER}/checkpoint-0` : path);
        if (one.place !== "outside") inside.add(path);
        const checkpoint: Checkpoint = {
          id: `ckpt_${index.toString(16).padStart(12, "0")}`,
          path,
          name,
          step: one.step,
          attempt: one.attempt,
          kind: one.kind,
          framework: "custom",
          status: one.status,
          problem: one.status === "complete" ? null : "cut short",
          size_bytes: 10,
          created_at: new Date(NOW - one.ageMs).toISOString(),
          metrics: typeof one.loss === "number" && Number.isNaN(one.loss) ? {} : { "eval/loss": one.loss },
          final: false,
          resumable: one.status === "complete" && one.kind === "full",
          tags: one.tagged ? [{ tag: "release", notes: "", applied_at: new Date(NOW).toISOString() }] : [],
          forkable: false,
        };
        if (one.used === "forked") forkedFrom.add(index % 2 === 0 ? checkpoint.name : checkpoint.path);
        if (one.used === "continued") continuedFrom.add(index % 2 === 0 ? checkpoint.id : checkpoint.path);
        if (one.used !== "no") used.add(checkpoint);
        return checkpoint;
      })
      .sort((a, b) => b.attempt - a.attempt || b.step - a.step);
    return { facts: { rule: of, checkpoints, live, forkedFrom, continuedFrom, real, inside, now: NOW }, used };
  });

function outcome({ facts }: Drawn): { gone: Checkpoint[]; kept: Checkpoint[] } | null {
  try {
    const reasons = [...whyKept(facts)];
    return {
      gone: reasons.filter(([, because]) => because.length === 0).map(([one]) => one),
      kept: reasons.filter(([, because]) => because.length > 0).map(([one]) => one),
    };
  } catch (error) {
    expect(error).toMatchObject({ code: "bad_request" });
    return null;
  }
}

describe("whatever the rule, the checkpoints and their uses", () => {
  it("never takes the last complete one, the last that can be continued, or a tagged one", () => {
    fc.assert(
      fc.property(cases, (drawnCase) => {
        const result = outcome(drawnCase);
        if (result === null) return;
        const { checkpoints } = drawnCase.facts;
        const complete = checkpoints.filter((one) => one.status === "complete");
        expect(result.gone).not.toContain(complete[0]);
        expect(result.gone).not.toContain(complete.find((one) => one.resumable));
        expect(result.gone.filter((one) => one.tags.length > 0)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it("never takes what a run was forked or continued from, what is written, what lies outside, or a torn one that nobody gave up", () => {
    fc.assert(
      fc.property(cases, (drawnCase) => {
        const result = outcome(drawnCase);
        if (result === null) return;
        const { facts, used } = drawnCase;
        for (const one of result.gone) {
          expect(used.has(one)).toBe(false);
          expect(one.status === "complete" || (one.status === "torn" && facts.rule.remove_torn)).toBe(true);
          if (facts.live) expect(NOW - Date.parse(one.created_at)).toBeGreaterThanOrEqual(120_000);
          expect(facts.inside.has(one.path)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("takes nothing that one that stays is a part of, holds, or is linked to", () => {
    fc.assert(
      fc.property(cases, (drawnCase) => {
        const result = outcome(drawnCase);
        if (result === null) return;
        const places = (one: Checkpoint): string[] => [one.path, drawnCase.facts.real.get(one.path) ?? one.path];
        for (const gone of result.gone)
          for (const kept of result.kept)
            for (const a of places(gone))
              for (const b of places(kept)) expect(a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps all that the rule names, and takes the rest", () => {
    fc.assert(
      fc.property(cases, (drawnCase) => {
        const result = outcome(drawnCase);
        if (result === null) return;
        const { rule: of, checkpoints } = drawnCase.facts;
        const complete = checkpoints.filter((one) => one.status === "complete");
        const gone = new Set(result.gone);
        for (const one of complete.slice(0, of.keep_last ?? 0)) expect(gone.has(one)).toBe(false);
        for (const one of complete) if (of.keep_every !== undefined && one.step % of.keep_every === 0) expect(gone.has(one)).toBe(false);
        if (of.keep_best !== undefined) {
          const { direction, count } = of.keep_best;
          const value = (one: Checkpoint): number => Number(one.metrics["eval/loss"] ?? Number.NaN);
          const known = complete.filter((one) => !Number.isNaN(value(one)));
          for (const one of result.gone.filter((each) => known.includes(each))) {
            const better = known.filter(
              (other) => (direction === "min" ? value(other) <= value(one) : value(other) >= value(one)) && other !== one,
            );
            expect(better.length).toBeGreaterThanOrEqual(count);
          }
        }
        // With nothing but the rule to keep them, no more stay than it says.
        const plain =
          drawnCase.used.size === 0 &&
          !drawnCase.facts.live &&
          checkpoints.every(
            (one) => one.tags.length === 0 && drawnCase.facts.real.get(one.path) === one.path && !one.path.includes("checkpoint-0/"),
          );
        const most =
          (of.keep_last ?? 0) +
          (of.keep_best?.count ?? 0) +
          complete.filter((one) => of.keep_every !== undefined && one.step % of.keep_every === 0).length +
          2;
        if (plain) expect(result.kept.filter((one) => one.status === "complete").length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a rule", () => {
  it("that keeps nothing is none", () => {
    expect(RetentionRule.safeParse({}).success).toBe(false);
    expect(RetentionRule.safeParse({ remove_torn: true }).success).toBe(false);
    expect(RetentionRule.safeParse({ keep_last: 0 }).success).toBe(false);
  });
});
