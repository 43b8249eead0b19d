/**
 * The catalogue at 1,000, 10,000 and 100,000 runs of 30 params and 20 metrics, asked through its worker as the server does, beside an SQLite
 * table of the same runs: one row per run, a real column per field, indexes on what is asked. Python's SQLite always, better-sqlite3 and the
 * search of MLflow where they are installed.
 *
 * `npm run bench -- catalogue [RUNS …]`
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Aggregate, QueryRuns } from "../protocol/analysis.ts";
import type { RunId } from "../protocol/ids.ts";
import { createCatalog } from "../server/catalog/catalog.ts";
import type { Catalog, RunSource } from "../server/catalog/types.ts";
import { runIdOf, summaryOf } from "./lib/many-runs.ts";
import { medianMs, type BenchLine, type BenchResult } from "./lib/result.ts";
import { type Reference, references } from "./lib/run-tables.ts";

const SIZES = [1_000, 10_000, 100_000];
const ROUNDS = 15;
/** Of page, field index and group-by (ms), of the start from the snapshot (ms), of memory (MB). */
const LARGEST = { page: 20, fields: 50, group: 20, ready: 2000, memory: 700 };
const TARGETS: Readonly<Record<number, typeof LARGEST>> = {
  1_000: { page: 5, fields: 5, group: 5, ready: 2000, memory: 150 },
  10_000: { page: 5, fields: 5, group: 5, ready: 2000, memory: 150 },
  100_000: LARGEST,
};

const PAGE = QueryRuns.parse({
  fields: ["record.name", "record.state", "params.optim", "metrics.loss", "metrics.eval/loss:min"],
  filter: 'params.optim = "adamw" and metrics.loss < 2',
  sort: ["metrics.eval/loss:min"],
  limit: 50,
});
/** Another filter and sort with each number: nothing of the last answer helps. */
function pageOf(n: number): QueryRuns {
  const metric = (at: number): string => `metrics.eval/metric_${String(2 + (at % 18))}`;
  const filter = `params.param_${String(6 + (n % 24))} < ${String(0.3 + 0.02 * n)} and ${metric(n + 3)} < ${String(1 + 0.1 * n)}`;
  return QueryRuns.parse({
    fields: ["record.name", metric(n)],
    filter,
    sort: [`${n % 2 === 0 ? "" : "-"}${metric(n * 7)}:min`],
    limit: 50,
  });
}

const GROUP = Aggregate.parse({ group_by: ["params.optim", "params.learning_rate"], values: ["metrics.eval/loss"] });

export async function run(): Promise<BenchResult> {
  const asked = process.argv.slice(2).map(Number);
  const lines: BenchLine[] = [];
  for (const size of asked.length > 0 ? asked : SIZES) lines.push(...(await measure(size)));
  return { bench: "catalogue", lines };
}

async function measure(size: number): Promise<BenchLine[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainyard-bench-"));
  const target = TARGETS[size] ?? LARGEST;
  try {
    const numbers = new Map<RunId, number>(Array.from({ length: size }, (_, n) => [runIdOf(n), n]));
    const source: RunSource = {
      *stamps() {
        for (const id of numbers.keys()) yield [id, "1"];
      },
      state(id) {
        const n = numbers.get(id);
        return n === undefined ? undefined : { json: JSON.stringify(summaryOf(n)), stamp: "1" };
      },
    };
    const options = { snapshot: path.join(folder, "catalog.sqlite"), workerFile: path.resolve("dist/catalog-worker.cjs"), runs: source };
    const built = createCatalog(options);
    const build = await once(() => built.sync());
    const afterBuild = await once(() => built.ask("fields", {}));
    await built.close();
    const saved = readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);

    const before = residentMb();
    const catalog = createCatalog(options);
    const ready = await once(() => catalog.sync());
    const firstPage = await once(() => page(catalog, size));
    const firstFields = await once(() => catalog.ask("fields", {}));
    const firstGroup = await once(() => catalog.ask("aggregate", GROUP));
    const wall = (work: () => unknown): Promise<number> => medianMs(ROUNDS, work, "wall");
    const pageMs = await wall(() => page(catalog, size));
    const fieldsMs = await wall(() => catalog.ask("fields", {}));
    const groupMs = await wall(() => catalog.ask("aggregate", GROUP));
    const otherPages = await eachMs((n) => catalog.ask("query", pageOf(n)));
    const afterNew = (work: () => Promise<unknown>): Promise<number> =>
      eachMs(async () => {
        const added = numbers.size;
        numbers.set(runIdOf(added), added);
        catalog.changed(runIdOf(added));
        await work();
      });
    const newPage = await afterNew(() => page(catalog, size));
    const newFields = await afterNew(() => catalog.ask("fields", {}));
    const newGroup = await afterNew(() => catalog.ask("aggregate", GROUP));
    // What the worker adds to the process; the rest of a server is measured by `idle`.
    const memory = residentMb() - before;
    await catalog.close();

    const others = await references(folder, size, ROUNDS);
    const beside = (question: "page_ms" | "fields_ms" | "group_ms", more = ""): BenchLine[] =>
      others.flatMap((reference: Reference) => {
        const value = reference[question];
        return value === undefined ? [] : [{ what: `  ${reference.what}${more}`, value, unit: "ms" }];
      });
    const runs = `${size.toLocaleString("en")} runs: `;
    return [
      { what: `${runs}built from summaries`, value: build, unit: "ms" },
      { what: `${runs}field index right after that`, value: afterBuild, unit: "ms" },
      { what: `${runs}snapshot`, value: saved / 1e6, unit: "MB" },
      { what: `${runs}ready from its snapshot`, value: ready, unit: "ms", target: { at_most: target.ready } },
      { what: `${runs}memory of the worker`, value: memory, unit: "MB", target: { at_most: target.memory } },
      { what: `${runs}first page of the worker`, value: firstPage, unit: "ms" },
      { what: `${runs}first field index of the worker`, value: firstFields, unit: "ms", target: { at_most: target.fields } },
      { what: `${runs}first group-by of the worker`, value: firstGroup, unit: "ms" },
      { what: `${runs}page of 50, two filters and a sort`, value: pageMs, unit: "ms", target: { at_most: target.page } },
      ...beside("page_ms"),
      { what: `${runs}field index`, value: fieldsMs, unit: "ms", target: { at_most: target.fields } },
      ...beside("fields_ms"),
      { what: `${runs}group by two params, statistics of a metric`, value: groupMs, unit: "ms", target: { at_most: target.group } },
      ...beside("group_ms", ", mean and deviation only"),
      { what: `${runs}page, another filter and sort each time`, value: otherPages, unit: "ms", target: { at_most: target.page } },
      { what: `${runs}the same page, a new run each time`, value: newPage, unit: "ms", target: { at_most: target.page } },
      { what: `${runs}field index, a new run each time`, value: newFields, unit: "ms", target: { at_most: target.fields } },
      { what: `${runs}group-by, a new run each time`, value: newGroup, unit: "ms", target: { at_most: target.group } },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function page(catalog: Catalog, size: number): Promise<void> {
  const { rows, total } = await catalog.ask("query", PAGE);
  if (rows.length !== 50 || total > size / 4) throw new Error(`the page has ${String(rows.length)} rows of ${String(total)}`);
}

/** The median over rounds that are told their number. */
async function eachMs(work: (n: number) => Promise<unknown>): Promise<number> {
  let n = 0;
  return medianMs(ROUNDS, () => work(n++), "wall");
}

async function once(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function residentMb(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? NaN) / 1024;
}
