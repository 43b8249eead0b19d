/** An archive holds the run folder itself: what is exported and imported elsewhere is the same run, file by file, bit by bit. */
import { createHash } from "node:crypto";
import {
  appendFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { execFileSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ZipFile } from "yazl";
import { ARCHIVE_MANIFEST, type ArchiveManifest } from "../../protocol/archive.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { ImportReport } from "../../protocol/import.ts";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";
import { openSeries } from "../../server/series/series.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder, RunStore } from "../../server/store/types.ts";
import { LiveServer } from "../http/live-server.ts";

/** More of them: TRAINYARD_TEST_ROUNDS=500. */
const ROUNDS = Number(process.env["TRAINYARD_TEST_ROUNDS"] ?? 8);

let root: string;
let from: LiveServer;
let to: LiveServer;
/** The files of both servers' stores, without a server between. */
let before: RunStore;
let after: RunStore;
beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-archive-")));
  from = LiveServer.at(path.join(root, "from", ".trainyard"));
  to = LiveServer.at(path.join(root, "to", ".trainyard"));
  await from.start();
  await to.start();
  before = await openStore(from.store);
  after = await openStore(to.store);
});
afterAll(async () => {
  await from.remove();
  await to.remove();
  for (const store of [before, after]) store.close();
  await rm(root, { recursive: true, force: true });
});

async function exported(ids: readonly RunId[], file = path.join(root, "runs.zip")): Promise<string> {
  await from.client.call("refresh");
  const response = await from.fetch(`/api/export?format=archive&runs=${ids.join(",")}`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/zip"]);
  await writeFile(file, new Uint8Array(await response.arrayBuffer()));
  return file;
}

const imported = (file: string, server = to): Promise<ImportReport> => server.client.call("importRuns", { body: { path: file } });

/** Of everything below a folder: bytes, where a link leads, and when a file was changed. */
async function contents(folder: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of await readdir(folder, { recursive: true })) {
    const place = path.join(folder, name);
    const info = await lstat(place);
    if (info.isSymbolicLink()) found[name] = { link: await readlink(place) };
    else if (info.isDirectory()) found[name] = "a folder";
    else found[name] = { bytes: (await readFile(place)).toString("base64"), modified: Math.floor(info.mtimeMs) };
  }
  return found;
}

/** What says where the run lies and where it comes from; all else has to be equal. */
function withoutPlaces(files: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name !== "run.json" && name !== "resolved.json"));
}

const anyNumber = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308));
const anyName = fc
  .oneof(
    fc.constantFrom("ü 😀", "a\nb", "back\\slash", "100%5C", " ", "-rf", "CON", "last.ckpt"),
    fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  )
  .map((name) => name.replace(/[/\0]/g, "_"))
  .filter((name) => name !== "." && name !== ".." && Buffer.byteLength(name) < 200 && !/^\..*\.tmp$/.test(name));
const anyRows = fc.array(
  fc.record({
    step: fc.integer({ min: 0, max: 20 }),
    values: fc.dictionary(fc.string({ minLength: 1 }), anyNumber, { minKeys: 1, maxKeys: 3 }),
  }),
  {
    maxLength: 8,
  },
);
const anyRun = fc.record({
  attempts: fc.array(fc.record({ rows: anyRows, resumed: fc.option(fc.nat(15)), log: fc.string({ unit: "binary" }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  artifacts: fc.dictionary(anyName, fc.uint8Array({ maxLength: 40 }), { maxKeys: 4 }),
  folders: fc.uniqueArray(anyName, { maxLength: 2 }),
  notes: fc.string({ unit: "binary", maxLength: 60 }),
  tags: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 10 }), { maxLength: 3 }),
});

type AnyRun = typeof anyRun extends fc.Arbitrary<infer Made> ? Made : never;

async function makeRun({ attempts, artifacts, folders, notes, tags }: AnyRun): Promise<RunFolder> {
  const run = await from.addRun({ attempt: attempts.length, notes, tags, starred: true });
  for (const [i, { rows, resumed, log }] of attempts.entries()) {
    const files = await before.writeAttempt(run.record.id, {
      ...{
        version: 1,
        number: i + 1,
        kind: i === 0 ? "start" : "continue",
        launcher: "local",
        command: ["true"],
        cwd: "/",
        env: {},
        python: null,
      },
      ...{ grace_seconds: 1, created_at: run.record.created_at },
      resumed_from: resumed === null ? null : { checkpoint: "c", path: path.join(run.paths.checkpoints, "c"), step: resumed },
    });
    const records = rows.flatMap(({ step, values }, set) => [
      setRecord(set, Object.keys(values)),
      rowRecord(set, 1_767_225_600_000 + step, step, Object.values(values)),
    ]);
    await writeFile(files.metrics, Buffer.concat([fileHeader(), ...records]));
    await writeFile(files.log, log);
  }
  for (const [name, bytes] of Object.entries(artifacts)) await writeFile(path.join(run.paths.artifacts, name), bytes);
  for (const name of folders) await mkdir(path.join(run.paths.artifacts, "more", name), { recursive: true });
  return run;
}

async function curve(store: RunStore, id: RunId): Promise<unknown> {
  const series = openSeries(store, id, "metrics");
  await series.poll();
  return series.window({ metrics: ["*"], maxPoints: Number.MAX_SAFE_INTEGER });
}

describe("a run in an archive", () => {
  it("comes back with every file, its curve, its attempts and whatever lay beside them", async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async (made) => {
        const { record, paths } = await makeRun(made);
        const report = await imported(await exported([record.id]));
        expect(report).toMatchObject({ format: "archive", runs: [{ id: record.id, source_run: record.id, project: record.project }] });
        await after.scan();
        const copy = await after.read(record.id);
        expect(withoutPlaces(await contents(copy.paths.dir))).toEqual(withoutPlaces(await contents(paths.dir)));
        const { imported: source, ...known } = copy.record;
        expect(known).toEqual(record);
        expect(source).toMatchObject({ format: "archive", run: record.id, store: from.store });
        expect(await curve(after, record.id)).toEqual(await curve(before, record.id));
        expect(await readdir(path.join(to.store, ".staging"))).toEqual([]);
      }),
      { numRuns: ROUNDS },
    );
  });

  it("keeps checkpoints with their tags, steps and metrics, links, events and times, and can be resumed as before", async () => {
    const { record, paths } = await from.addRun({ name: "kept", seed: 3 });
    const head = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(head.length));
    const weights = path.join(paths.checkpoints, "odd-name.safetensors");
    await writeFile(weights, Buffer.concat([length, head, Buffer.alloc(4)]));
    await utimes(weights, 1_700_000_000.123, 1_700_000_000.123);
    await symlink("odd-name.safetensors", path.join(paths.checkpoints, "last.safetensors"));
    await symlink(weights, path.join(paths.artifacts, "best.safetensors"));
    await symlink("/etc/passwd", path.join(paths.artifacts, "outside"));
    const said = {
      type: "checkpoint",
      time: 1_767_225_600,
      step: 40,
      path: weights,
      kind: "weights",
      framework: "custom",
      metrics: { loss: 0.5 },
      final: true,
    };
    await appendFile(paths.attempt(1).reportJsonl, `${JSON.stringify(said)}\n{"type":"torn", "path": "${paths.dir}`);
    await appendFile(paths.eventsJsonl, `{"type":"message","time":"2026-01-01T00:00:00Z","level":"info","text":"ü"}\n`);
    await from.client.call("refresh");
    const [checkpoint] = await before.scan().then(() => before.checkpoints(record.id));
    await from.client.call("tagCheckpoint", {
      params: { id: record.id, checkpoint: checkpoint!.id },
      body: { tag: "release", notes: "good" },
    });
    await imported(await exported([record.id]));

    const params = { id: record.id };
    const [were, are] = await Promise.all([from, to].map(({ client }) => client.call("listCheckpoints", { params })));
    const place = (await after.scan().then(() => after.read(record.id))).paths;
    expect(are!.checkpoints).toEqual(were!.checkpoints.map((one) => ({ ...one, path: one.path.replace(paths.dir, place.dir) })));
    expect(are!.checkpoints[0]).toMatchObject({
      step: 40,
      metrics: { loss: 0.5 },
      status: "complete",
      tags: [{ tag: "release", notes: "good" }],
    });
    expect(await to.client.call("listEvents", { params })).toEqual(await from.client.call("listEvents", { params }));
    expect(await readlink(path.join(place.checkpoints, "last.safetensors"))).toBe("odd-name.safetensors");
    expect(await realpath(path.join(place.artifacts, "best.safetensors"))).toBe(path.join(place.checkpoints, "odd-name.safetensors"));
    expect(await readdir(place.artifacts)).not.toContain("outside");
    const resolved = JSON.parse(await readFile(place.resolvedJson, "utf8")) as Record<string, unknown>;
    expect(resolved).toMatchObject({ run: record.id, run_dir: place.dir, checkpoint_dir: place.checkpoints });
  });

  it("gets another id where its own is taken, ends where it was still going on, and stays a draft where it was one", async () => {
    const ended = await from.addRun({ name: "ended" });
    const draft = await from.addRun({ name: "draft", state: "draft", attempt: 0 });
    const file = await exported([ended.record.id, draft.record.id]);
    expect((await imported(file)).runs.map(({ id }) => id)).toEqual([ended.record.id, draft.record.id]);
    const again = (await imported(file)).runs;
    expect(again.map(({ source_run }) => source_run)).toEqual([ended.record.id, draft.record.id]);
    expect(new Set([...again.map(({ id }) => id), ended.record.id, draft.record.id]).size).toBe(4);
    const copy = await to.client.call("getRun", { params: { id: again[0]!.id } });
    expect(copy).toMatchObject({ name: "ended", state: "completed", resolved: { run: again[0]!.id, run_dir: copy.run_dir } });
    expect(await to.client.call("getRun", { params: { id: again[1]!.id } })).toMatchObject({ state: "draft" });

    const live = JSON.parse(await readFile(ended.paths.runJson, "utf8")) as object;
    await writeFile(ended.paths.runJson, JSON.stringify({ ...live, state: "running", state_reason: null }));
    // The archive as a live run leaves it; the server that follows it would settle it at once.
    const manual = path.join(root, "live.zip");
    await rezip(file, manual, async (name, bytes) =>
      name.endsWith(`${ended.record.id}/run.json`) ? readFile(ended.paths.runJson) : Promise.resolve(bytes),
    );
    const [settled] = (await imported(manual)).runs;
    const known = await to.client.call("getRun", { params: { id: settled!.id } });
    expect(known).toMatchObject({
      state: "interrupted",
      state_reason: expect.stringContaining("was running when it was exported") as string,
    });
    expect((await to.client.call("listEvents", { params: { id: settled!.id } })).events.at(-1)).toMatchObject({
      from: "running",
      to: "interrupted",
      cause: "import",
    });
  });

  it("is a zip that other programs unpack into a store, and of another project when told", async () => {
    const { record } = await from.addRun({ name: "by hand", project: "mine" });
    const file = await exported([record.id]);
    const folder = path.join(root, "unpacked");
    const read = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])";
    execFileSync("python3", ["-c", read, file, folder]);
    expect(JSON.parse(await readFile(path.join(folder, "mine", "runs", record.id, "run.json"), "utf8"))).toMatchObject({ name: "by hand" });
    const report = await to.client.call("importRuns", { body: { path: file, project: "theirs" } });
    expect(report.runs[0]).toMatchObject({ project: "theirs" });
    expect(await readdir(path.join(to.store, "theirs", "runs"))).toEqual([record.id]);
  });

  it("holds whole folders, so metrics cannot be chosen", async () => {
    const { record } = await from.addRun();
    await from.client.call("refresh");
    const response = await from.fetch(`/api/export?format=archive&runs=${record.id}&metrics=loss`);
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: "bad_request" } }]);
  });

  it("streams what is large, sparse or cut off by its reader, and lets go of its files", async () => {
    const { record, paths } = await from.addRun({ name: "large" });
    await writeFile(path.join(paths.artifacts, "large.bin"), "");
    await truncate(path.join(paths.artifacts, "large.bin"), 5 * 1024 ** 3);
    await from.client.call("refresh");
    const files = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
    const open = await files();
    const rss = process.memoryUsage().rss;
    const response = await from.fetch(`/api/export?format=archive&runs=${record.id}`);
    let received = 0;
    for await (const piece of response.body!) if ((received += piece.byteLength) > 256 * 1024 ** 2) break;
    expect(process.memoryUsage().rss - rss).toBeLessThan(256 * 1024 ** 2);
    await expect.poll(files).toBeLessThanOrEqual(open + 2);
  });
});

/** @returns null for an entry that is left out */
type Change = (name: string, bytes: Buffer) => Promise<Buffer | null>;

/** The same archive with some of its entries changed, left out (null) or added. */
async function rezip(file: string, target: string, change: Change, more: readonly string[] = []): Promise<void> {
  const folder = await mkdtemp(path.join(root, "rezip-"));
  execFileSync("python3", ["-c", "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])", file, folder]);
  const zip = new ZipFile();
  const entries: [string, Buffer][] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const place = path.join(folder, name);
    if (name === ARCHIVE_MANIFEST || !(await lstat(place)).isFile()) continue;
    const bytes = await change(name, await readFile(place));
    if (bytes !== null) entries.push([name, bytes]);
  }
  const manifest = JSON.parse(await readFile(path.join(folder, ARCHIVE_MANIFEST), "utf8")) as ArchiveManifest;
  for (const run of manifest.runs)
    for (const listed of run.files) {
      const bytes = entries.find(([name]) => name === `${run.project}/runs/${run.id}/${listed.path}`)?.[1];
      // run.json alone is listed anew: everything else that changed is damage.
      if (bytes !== undefined && listed.path === "run.json")
        Object.assign(listed, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
    }
  for (const [name, bytes] of entries) zip.addBuffer(bytes, name);
  for (const name of more) zip.addBuffer(Buffer.from("x"), name);
  for (const run of manifest.runs) for (const each of run.folders) zip.addEmptyDirectory(`${run.project}/runs/${run.id}/${each}`);
  const changed = await change(ARCHIVE_MANIFEST, Buffer.from(JSON.stringify(manifest)));
  if (changed !== null) zip.addBuffer(changed, ARCHIVE_MANIFEST);
  zip.end();
  const pieces: Buffer[] = [];
  for await (const piece of zip.outputStream) pieces.push(piece as Buffer);
  await writeFile(target, Buffer.concat(pieces));
  await rm(folder, { recursive: true });
}

describe("an archive that is not what was exported", () => {
  const same = (_: string, bytes: Buffer): Promise<Buffer> => Promise.resolve(bytes);
  const edited = (edit: (manifest: ArchiveManifest) => void) => (name: string, bytes: Buffer) => {
    if (name !== ARCHIVE_MANIFEST) return Promise.resolve(bytes);
    const manifest = JSON.parse(bytes.toString()) as ArchiveManifest;
    edit(manifest);
    return Promise.resolve(Buffer.from(JSON.stringify(manifest)));
  };
  /** With links that the list names and the zip holds. */
  const linked = (links: Readonly<Record<string, string>>): Damage => ({
    change: edited(({ runs }) => runs[0]!.links.push(...Object.entries(links).map(([file, target]) => ({ path: file, target })))),
    more: Object.keys(links),
  });
  const where = (matches: (name: string) => boolean, change: (bytes: Buffer) => Buffer | null): Change => {
    return (name, bytes) => Promise.resolve(matches(name) ? change(bytes) : bytes);
  };
  const isSpec = (name: string): boolean => name.endsWith("spec.yaml");
  const isList = (name: string): boolean => name === ARCHIVE_MANIFEST;
  interface Damage {
    readonly change?: Change;
    /** Entries of a run folder that are added. */
    readonly more?: readonly string[];
  }
  const firstFile = (path: string): Change => edited(({ runs }) => Object.assign(runs[0]!.files[0]!, { path }));
  const cases: [string, RegExp, Damage][] = [
    ["with a changed byte", /spec\.yaml is damaged/, { change: where(isSpec, (bytes) => Buffer.from(`#${bytes.toString().slice(1)}`)) }],
    ["with a longer file", /spec\.yaml is damaged/, { change: where(isSpec, (bytes) => Buffer.concat([bytes, bytes])) }],
    ["without a file of its list", /spec\.yaml is listed, and not there/, { change: where(isSpec, () => null) }],
    ["with a file that it does not list", /extra is there, and not listed/, { more: ["extra"] }],
    ["without its list", /has no trainyard-archive\.json/, { change: where(isList, () => null) }],
    ["with a list that is none", /trainyard-archive\.json/, { change: where(isList, () => Buffer.from("[")) }],
    ["of a later version", /archive/, { change: edited((manifest) => Object.assign(manifest, { archive: 2 })) }],
    ["with a list that leads out of the folder", /no path that a run folder may hold/, { change: firstFile("../../../escaped") }],
    ["with a path from the root", /no path that a run folder may hold/, { change: firstFile("/tmp/escaped") }],
    [
      "with a folder that leads out",
      /no path that a run folder may hold/,
      { change: edited(({ runs }) => runs[0]!.folders.push("a/../../b")) },
    ],
    ["with a run of another name", /not there/, { change: edited(({ runs }) => Object.assign(runs[0]!, { id: "run_00000000000000000" })) }],
    ["with the same run twice", /a run twice/, { change: edited(({ runs }) => runs.push(runs[0]!)) }],
    ["with a link that leads out", /artifacts\/out leads out/, linked({ "artifacts/out": "../../../../../../../../etc" })],
    ["with a link to a place of the system", /artifacts\/out leads out/, linked({ "artifacts/out": "/etc/passwd" })],
    ["with a link out through another", /leads out of/, linked({ "p/q/x": "../../artifacts", "p/q/b": "x/../../../../.." })],
    ["with a link in the place of a file's folder", /cannot be imported/, linked({ "spec.yaml/x": "y" })],
  ];
  it.each(cases)("%s is refused, and nothing of it stays", async (_, message, { change = same, more = [] }) => {
    const { record } = await from.addRun({ name: "good" });
    const good = await exported([record.id]);
    const bad = path.join(root, "bad.zip");
    const dir = `${record.project}/runs/${record.id}`;
    await rezip(
      good,
      bad,
      change,
      more.map((name) => `${dir}/${name}`),
    );
    const before = await readdir(to.store, { recursive: true });
    const error: unknown = await imported(bad).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "bad_request", message: expect.stringMatching(message) as string });
    expect((await readdir(to.store, { recursive: true })).filter((name) => !name.startsWith(".server"))).toEqual(
      before.filter((name) => !name.startsWith(".server")),
    );
    await rezip(good, bad, same);
    expect((await imported(bad)).runs).toHaveLength(1);
  });

  it("is refused at whichever byte it was cut off or changed, or comes back whole", async () => {
    const { record } = await from.addRun({ name: "bytes" });
    const good = await readFile(await exported([record.id]));
    const file = path.join(root, "cut.zip");
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.boolean(), fc.integer({ min: 1, max: 255 }), async (at, cut, mask) => {
        const bytes = cut ? good.subarray(0, at) : Buffer.from(good);
        if (!cut) bytes[at] = bytes[at]! ^ mask;
        await writeFile(file, bytes);
        const outcome: unknown = await imported(file).catch((caught: unknown) => caught);
        // A changed time of the zip's own, for one, changes nothing that counts.
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "bad_request" });
        else
          expect((await after.scan().then(() => after.read((outcome as ImportReport).runs[0]!.id))).record).toMatchObject({
            name: "bytes",
          });
      }),
      { numRuns: 10 * ROUNDS },
    );
  });
});
