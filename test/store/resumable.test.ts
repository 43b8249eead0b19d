import { describe, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import { ReportRecord } from "../../protocol/report.ts";
import { loadedCheckpoints, usesOf } from "../../server/store/resumable.ts";
import { resolvedSpec } from "./fixtures.ts";

const framework = (fields: Record<string, unknown>): ReportRecord =>
  ReportRecord.parse({ type: "framework", time: 1, name: "huggingface", version: "5", graceful_stop: true, ...fields });
const attempts = (...records: ReportRecord[]): Parameters<typeof loadedCheckpoints>[1] =>
  records.map((record, index) => ({ attempt: index + 1, records: [record] }));

describe("what the training of a run loads", () => {
  const of = (recipe: string, extra = {}): Parameters<typeof loadedCheckpoints>[0] => ({
    ...resolvedSpec(newRunId(), "/x"),
    recipe,
    extra,
  });

  it.each(["script", "command"])("is for a %s what the program said in any attempt", (recipe) => {
    expect(loadedCheckpoints(of(recipe), [])).toBe("none");
    // Written by an SDK that knew nothing of it.
    expect(loadedCheckpoints(of(recipe), attempts(framework({})))).toBe("none");
    expect(loadedCheckpoints(of(recipe), attempts(framework({ resumes: false })))).toBe("none");
    expect(loadedCheckpoints(of(recipe), attempts(framework({ resumes: true }), framework({ name: "tensorboard" })))).toBe("full");
    expect(loadedCheckpoints(of(recipe, { resumable: true }), [])).toBe("none");
  });

  it("is for a recipe what the recipe said when the run was made", () => {
    expect(loadedCheckpoints(of("hf-lora", { resumable: true }), [])).toBe("every");
    expect(loadedCheckpoints(of("tabular", { resumable: false }), attempts(framework({ resumes: true })))).toBe("none");
    expect(loadedCheckpoints(of("hf-lora"), [])).toBe("every");
    expect(loadedCheckpoints(null, attempts(framework({ resumes: true })))).toBe("none");
  });
});

describe("what a checkpoint is good for", () => {
  it.each([
    ["complete", "full", "every", true, true],
    ["complete", "full", "full", true, true],
    ["complete", "full", "none", false, false],
    ["complete", "weights", "every", false, true],
    ["complete", "adapter", "full", false, false],
    ["torn", "full", "every", false, false],
    ["missing", "weights", "every", false, false],
  ] as const)("%s, %s, %s", (status, kind, loaded, resumable, forkable) => {
    expect(usesOf(status, kind, loaded)).toEqual({ resumable, forkable });
  });
});
