/** The list of artifacts from what the server lists. */
import { expect, it } from "vitest";
import type { Artifact } from "../../protocol/artifact.ts";
import { entriesOf } from "../../webviews/dashboard/artifact-entries.ts";

const artifact = (path: string, fields: Partial<Artifact> = {}): Artifact => ({
  path,
  name: path.split("/").at(-1) ?? path,
  kind: "other",
  size_bytes: 10,
  modified_at: "2026-01-01T00:00:00.000Z",
  is_directory: false,
  metadata: {},
  ...fields,
});

it("puts the images of one name together, by step, under the name that was logged", () => {
  const [entry, ...others] = entriesOf([
    artifact("images", { is_directory: true, size_bytes: 30 }),
    artifact("images/eval/a_b/000000000100.png", { name: "eval/a+b", metadata: { type: "image", step: 100 } }),
    artifact("images/eval/a_b/000000000020.png", { name: "eval/a+b", metadata: { type: "image", step: 20 } }),
    artifact("images/eval/a_b/3000000000000.png"),
  ]);
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ key: "images/eval/a_b", label: "eval/a+b", type: "image", size_bytes: 30 });
  expect(entry?.files.map((file) => file.step)).toEqual([20, 100, 3_000_000_000_000]);
});

it("lets files stand for their folders, and keeps folders whose files are not listed", () => {
  const entries = entriesOf([
    artifact("model", { is_directory: true, size_bytes: 20 }),
    artifact("model/config.json", { kind: "config" }),
    artifact("/elsewhere/export", { is_directory: true, size_bytes: 99 }),
    artifact("images/loose.png"),
    artifact("notes.TXT"),
    artifact("LICENSE"),
  ]);
  expect(entries.map(({ key, type, files }) => [key, type, files.length])).toEqual([
    ["model/config.json", "config", 1],
    ["/elsewhere/export", "folder", 0],
    ["images/loose.png", "png", 1],
    ["notes.TXT", "txt", 1],
    ["LICENSE", "file", 1],
  ]);
});

it("believes a step of the run only where it is one", () => {
  const steps = [7, -1, 1.5, "8", null].map((step) => entriesOf([artifact("plot.svg", { metadata: { step } })])[0]?.files[0]?.step);
  expect(steps).toEqual([7, null, null, null, null]);
});
