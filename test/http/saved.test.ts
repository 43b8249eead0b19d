/** Views and plots that people keep with a project or with the store. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PlotSettings, type SaveItem, ViewSettings } from "../../protocol/saved.ts";
import { LiveServer } from "./live-server.ts";

let live: LiveServer;
beforeAll(async () => {
  live = await LiveServer.folder();
  await live.addRun({ project: "reader" });
  await live.start();
});
afterAll(async () => {
  await live.remove();
});

const view = (name: string, clauses: string[], project: string | null = "reader"): SaveItem => ({
  kind: "view",
  name,
  project,
  settings: ViewSettings.parse({ clauses }),
});
const saved = async (project?: string): Promise<string[]> =>
  (await live.api.listSaved({ query: project === undefined ? {} : { project } })).saved.map(({ kind, name }) => `${kind} ${name}`);

it("keeps views and plots by name, each in its project, and replaces what has the name", async () => {
  await live.api.saveItem({ body: view("b", ["record.starred"]) });
  await live.api.saveItem({ body: view("a", []) });
  await live.api.saveItem({ body: view("all", [], null) });
  await live.api.saveItem({ body: { kind: "plot", name: "a", project: "reader", settings: PlotSettings.parse({}) } });
  await live.api.saveItem({ body: view("a", ["params.lr < 1"]) });
  expect((await saved("reader")).sort()).toEqual(["plot a", "view a", "view b"]);
  expect(await saved()).toEqual(["view all"]);
  const file = JSON.parse(await readFile(path.join(live.store, "reader", "saved.json"), "utf8")) as { saved: SaveItem[] };
  expect(file.saved.find(({ kind, name }) => kind === "view" && name === "a")?.settings).toMatchObject({ clauses: ["params.lr < 1"] });
});

it("removes one, and says when there is none", async () => {
  await live.api.deleteSaved({ query: { kind: "view", name: "b", project: "reader" } });
  expect((await saved("reader")).sort()).toEqual(["plot a", "view a"]);
  const again = live.api.deleteSaved({ query: { kind: "view", name: "b", project: "reader" } });
  await expect(again).rejects.toMatchObject({ code: "not_found" });
});

it("refuses what is no view and what has no project, and never writes over a file it cannot read", async () => {
  const wrong = { ...view("c", []), settings: { clauses: "all" } } as unknown as SaveItem;
  await expect(live.api.saveItem({ body: wrong })).rejects.toMatchObject({ code: "bad_request" });
  await expect(live.api.saveItem({ body: view("c", [], "nowhere") })).rejects.toMatchObject({ code: "not_found" });
  await expect(live.api.saveItem({ body: view(" ", []) })).rejects.toMatchObject({ code: "bad_request" });
  const file = path.join(live.store, "saved.json");
  await writeFile(file, "{ torn");
  await expect(live.api.saveItem({ body: view("c", [], null) })).rejects.toMatchObject({ code: "corrupt_record" });
  expect(await readFile(file, "utf8")).toBe("{ torn");
});

it("keeps every one of many that are saved at once", async () => {
  const count = 40;
  await Promise.all(Array.from({ length: count }, (_, n) => live.api.saveItem({ body: view(`at once ${n}`, []) })));
  expect((await saved("reader")).filter((name) => name.startsWith("view at once"))).toHaveLength(count);
});
