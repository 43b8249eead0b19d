/** Notices about real processes, and webhooks to a real receiver that is not always well. */
import { createHmac } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Notice } from "../../protocol/notices.ts";
import { Notice as NoticeShape, WebhookBody } from "../../protocol/notices.ts";
import { createNotices } from "../../server/notices/notices.ts";
import type { Notices } from "../../server/notices/types.ts";
import { Sweeps } from "../../server/runs/sweeps.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunStore } from "../../server/store/types.ts";
import { buildServedPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { eventually, LiveServer } from "../http/live-server.ts";
import { openRoom, type Room } from "../runs/room-fixture.ts";
import { leaveCheckpoint } from "../store/fixtures.ts";
import { gpuLine } from "./gpu-line.ts";
import { Receiver } from "./receiver.ts";

const SECRET = "correct horse battery staple";
let fixture: PackageFixture;
let live: LiveServer;
let receiver: Receiver;

beforeAll(async () => {
  fixture = await buildServedPackage();
});
afterAll(() => fixture.remove());
beforeEach(async () => {
  live = await LiveServer.folder();
  receiver = new Receiver();
  await receiver.start();
});
afterEach(async () => {
  await live.remove();
  await receiver.stop();
});

async function train(...lines: string[]): Promise<string> {
  const spec = { recipe: "command", params: { command: ["python3", "-c", lines.join("\n")] }, track: false, name: "watched" };
  return (await live.client.call("createRun", { body: { spec, start: true } })).id;
}

/** The first notice of a kind. */
async function noticeOf(kind: Notice["kind"]): Promise<Notice> {
  for (;;) {
    const { notices } = await live.client.call("listNotices");
    const found = notices.find((one) => one.kind === kind);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const LOG = "import time, trainyard; run = trainyard.init()";

describe("notices", () => {
  it("tell of an end, a failure and the first value that is not finite, each once", async () => {
    await live.start({ packageRoot: fixture.root });
    const id = await train(
      LOG,
      "for step in range(1, 9): run.log({'acc': 1.0, 'loss': float('nan') if step in (5, 7) else 1 / step}, step=step)",
    );
    expect(await noticeOf("finished")).toMatchObject({ run: { id, name: "watched", attempt: 1 } });
    expect((await noticeOf("nan")).message).toBe("loss of watched became NaN at step 5.");
    const { events } = await live.client.call("listEvents", { params: { id } });
    const warnings = events.flatMap((event) => (event.type === "message" && event.level === "warning" ? [event.text] : []));
    expect(warnings).toEqual(["loss became NaN at step 5."]);
    const failing = await train("raise MemoryError('too much')");
    const failed = await noticeOf("failed");
    expect(failed).toMatchObject({ id: `failed:${failing}:1`, run: { id: failing } });
    expect(failed.message).toMatch(/^watched has failed: /);
    const { notices } = await live.client.call("listNotices");
    expect(notices.map(({ kind }) => kind).sort()).toEqual(["failed", "finished", "nan"]);
  });

  it("tell of a run that could not start when its turn came", async () => {
    await live.start({ packageRoot: fixture.root });
    await live.client.call("changeQueue", { body: { paused: true } });
    const script = path.join(live.root, "gone.py");
    await writeFile(script, "");
    const spec = { recipe: "script", params: { script }, name: "queued" };
    const { id } = await live.client.call("createRun", { body: { spec, queue: true } });
    await rm(script);
    await live.client.call("changeQueue", { body: { paused: false } });
    const failed = await noticeOf("failed");
    expect(failed).toMatchObject({ id: `failed:${id}:0`, run: { id, name: "queued" } });
    expect(failed.message).toContain("gone.py");
  });

  it("tell of a run that could not go on when its turn came, though it had failed before, and of none that was taken out", async () => {
    await live.start({ packageRoot: fixture.root });
    const spec = { recipe: "command", params: { command: ["false"] }, name: "again" };
    const { id, run_dir } = await live.client.call("createRun", { body: { spec } });
    const told = async (): Promise<string[]> => (await live.client.call("listNotices")).notices.map((notice) => notice.id);
    await expect.poll(told).toEqual([`failed:${id}:1`]);
    const checkpoint = await leaveCheckpoint(run_dir, 40);
    await live.client.call("changeQueue", { body: { paused: true } });
    const wait = () => live.client.call("resumeRun", { params: { id }, body: { mode: "continue", queue: true } });
    await wait();
    expect(await live.client.call("dequeueRun", { params: { id } })).toMatchObject({ state: "failed" });
    const { queue } = await wait();
    await rm(checkpoint);
    await live.client.call("changeQueue", { body: { paused: false } });
    await expect.poll(told).toEqual([`failed:${id}:1:${queue?.queued_at ?? ""}`, `failed:${id}:1`]);
  });

  it("tell of silence, and again only after a sign of life; and of a full disk while something runs", async () => {
    await live.start({ packageRoot: fixture.root });
    const sign = path.join(live.root, "sign");
    const id = await train(
      "import os, time",
      `while not os.path.exists(${JSON.stringify(sign)}): time.sleep(0.02)`,
      "print('still here', flush=True)",
      "time.sleep(60)",
    );
    await expect.poll(async () => (await live.client.call("getRun", { params: { id } })).state).toBe("running");
    await live.client.call("editNotifySettings", { body: { stalled_minutes: 0.01, disk_free_gb: 1_000_000 } });
    expect(await noticeOf("stalled")).toMatchObject({ id: `stalled:${id}:1` });
    expect((await noticeOf("disk_low")).message).toMatch(/GiB are free on the disk of/);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await live.client.call("listNotices")).notices).toHaveLength(2);
    await writeFile(sign, "");
    await expect
      .poll(async () => (await live.client.call("listNotices")).notices.map((notice) => notice.id))
      .toContain(`stalled:${id}:1:2`);
    await live.client.call("cancelRun", { params: { id }, body: { force: true } });
  });

  it("tell of a hot GPU as nvidia-smi reports it", async () => {
    const bin = path.join(live.root, "bin");
    await mkdir(bin);
    await writeFile(path.join(bin, "nvidia-smi"), `#!/bin/sh\nwhile :; do echo '${gpuLine(40_321, "91")}'; sleep 0.1; done\n`, {
      mode: 0o755,
    });
    const before = process.env["PATH"];
    process.env["PATH"] = `${bin}:${before ?? ""}`;
    try {
      await live.start({ packageRoot: fixture.root });
      await live.client.call("editNotifySettings", { body: { stalled_minutes: 0.01 } });
      const id = await train("import time", "time.sleep(60)");
      const hot = await noticeOf("gpu_hot");
      expect(hot).toMatchObject({ message: "GPU 0 (NVIDIA H100 80GB HBM3) is at 91 °C.", run: null });
      await live.client.call("cancelRun", { params: { id }, body: { force: true } });
    } finally {
      process.env["PATH"] = before;
    }
  });

  it("are pushed to every window and shown by one, also by a window that opens later", async () => {
    await live.start({ packageRoot: fixture.root });
    const heard: Notice[][] = [[], [], []];
    const listen = (into: Notice[]) =>
      live.stream().subscribe({ topic: "notices" }, { onMessage: (message) => message.type === "notice" && into.push(message.notice) });
    listen(heard[0]!);
    listen(heard[1]!);
    await train("pass");
    const [first] = await Promise.all(heard.slice(0, 2).map((into) => eventually(() => into[0], "the notice")));
    listen(heard[2]!);
    await eventually(() => heard[2]![0], "what was missed");
    const claims = heard.map(() => live.client.call("claimNotice", { params: { notice: first!.id } }));
    expect((await Promise.all(claims)).filter(({ claimed }) => claimed)).toHaveLength(1);
    const late: Notice[] = [];
    listen(late);
    await train("pass");
    await eventually(() => late[0], "the next notice");
    expect(late.map(({ id }) => id)).not.toContain(first!.id);
  });
});

describe("settings", () => {
  it("keep the secret to themselves", async () => {
    await live.start({ packageRoot: fixture.root });
    const added = await live.client.call("addWebhook", { body: { url: receiver.url, secret: SECRET } });
    expect(added).toMatchObject({ url: receiver.url, signed: true, waiting: 0, last: null });
    const file = path.join(live.store, "notify.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).toContain(SECRET);
    receiver.answer = () => 400;
    expect(await live.client.call("testWebhook", { params: { webhook: added.id } })).toMatchObject({ status: 400 });
    const answers = [
      added,
      await live.client.call("getNotifySettings"),
      await live.client.call("testWebhook", { params: { webhook: added.id } }),
    ];
    expect(JSON.stringify([...answers, live.logged])).not.toContain(SECRET);
    expect(JSON.stringify(live.logged)).not.toContain("in-the-address");
  });

  it.each([
    [{ url: "ftp://127.0.0.1/x" }, "url"],
    [{ url: "nonsense" }, "url"],
    [{ url: "http://127.0.0.1/x", kinds: ["party"] }, "kinds"],
    [{ url: "http://127.0.0.1/x", kinds: [] }, "kinds"],
    [{ url: "http://127.0.0.1/x", secret: "short" }, "secret"],
    [{ url: "http://127.0.0.1/x", colour: "red" }, "colour"],
  ])("refuse %j", async (body, field) => {
    await live.start({ packageRoot: fixture.root });
    const response = await live.fetch("/api/notify/webhooks", { method: "POST", body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(field);
  });

  it("leave a file that they cannot read as it is", async () => {
    await live.start({ packageRoot: fixture.root });
    await live.server.close();
    const file = path.join(live.store, "notify.json");
    await writeFile(file, "{ nonsense");
    await live.start({ packageRoot: fixture.root });
    expect((await live.client.call("getNotifySettings")).webhooks).toEqual([]);
    await expect(live.client.call("addWebhook", { body: { url: receiver.url } })).rejects.toMatchObject({ code: "corrupt_record" });
    expect(await readFile(file, "utf8")).toBe("{ nonsense");
  });
});

describe("a webhook", () => {
  let room: Room;
  let store: RunStore;
  let notices: Notices;
  const logged: string[] = [];
  let number = 0;

  async function open(): Promise<void> {
    room = await openRoom(live.root, fixture.root);
    store = await openStore(live.store);
    notices = createNotices({
      store,
      runs: room.runs,
      sweeps: new Sweeps({ store, runs: room.runs, log: (text) => logged.push(text) }),
      devices: { latest: () => null },
      folder: live.root,
      version: "9",
      log: (text) => logged.push(text),
      firstRetryMs: 20,
    });
  }
  async function close(): Promise<void> {
    await notices.close();
    await room.close();
    store.close();
  }
  beforeEach(open);
  afterEach(close);

  /** A run that was live and ends now, as far as a listener can tell. */
  async function finish(): Promise<string> {
    const { id } = await room.runs.create({ spec: shellSpec(++number), start: true });
    await eventually(() => room.runs.summary(id)?.state === "completed", "the end");
    return id;
  }

  it("is tried again until it takes the notice, signed so that the receiver can check it", async () => {
    receiver.answer = (tries) => [503, 500, 429][tries] ?? 204;
    await notices.addWebhook({ url: receiver.url, kinds: ["finished"], project: null, secret: SECRET });
    const id = await finish();
    await eventually(() => receiver.received.length === 4, "four tries");
    for (const { headers, body } of receiver.received) {
      const timestamp = String(headers["x-trainyard-timestamp"]);
      expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60);
      expect(headers["x-trainyard-signature"]).toBe(`sha256=${createHmac("sha256", SECRET).update(`${timestamp}.${body}`).digest("hex")}`);
      expect(headers).toMatchObject({ "x-trainyard-event": "finished", "x-trainyard-delivery": `finished:${id}:1` });
      expect(WebhookBody.parse(JSON.parse(body))).toMatchObject({ store: live.store, notice: { run: { id } } });
      expect(body).not.toContain(SECRET);
    }
    await eventually(() => (notices.list(1).length === 1 ? true : null));
    await expect
      .poll(async () => (await notices.settings()).webhooks[0], { timeout: 5000 })
      .toMatchObject({ waiting: 0, last: { status: 204, problem: null } });
  });

  it("goes on after the server was started anew, with what was waiting and nothing twice", async () => {
    await notices.addWebhook({ url: receiver.url, kinds: ["finished"], project: null });
    await receiver.stop();
    const first = await finish();
    const second = await finish();
    await expect.poll(async () => (await notices.settings()).webhooks[0]?.last?.status, { timeout: 5000 }).toBe(null);
    await close();
    await receiver.start();
    await open();
    await eventually(() => receiver.received.length >= 2, "both notices");
    const ids = receiver.received.map(({ headers }) => headers["x-trainyard-delivery"]);
    expect(ids).toEqual([`finished:${first}:1`, `finished:${second}:1`]);
    expect(notices.list(10).map(({ id }) => id)).toEqual([`finished:${second}:1`, `finished:${first}:1`]);
  });

  it.each([
    ["a redirect", { redirect: "http://127.0.0.1:1/elsewhere" }, /redirects/],
    ["a refusal", 404, /404/],
  ] as const)("gives up at %s", async (_, answer, problem) => {
    receiver.answer = () => answer;
    await notices.addWebhook({ url: receiver.url, kinds: ["finished"], project: null });
    await finish();
    await expect
      .poll(async () => (await notices.settings()).webhooks[0], { timeout: 5000 })
      .toMatchObject({ waiting: 0, last: { problem: expect.stringMatching(problem) as string } });
    expect(receiver.received).toHaveLength(1);
  });

  it("gets a notice once that it took, though its answer breaks off", async () => {
    receiver.answer = () => "torn";
    await notices.addWebhook({ url: receiver.url, kinds: ["finished"], project: null });
    await finish();
    await expect
      .poll(async () => (await notices.settings()).webhooks[0], { timeout: 8000 })
      .toMatchObject({ waiting: 0, last: { status: 200, problem: null } });
    expect(receiver.received).toHaveLength(1);
  });

  it("holds up neither another one nor the training, and reads no endless answer", async () => {
    receiver.answer = () => "never";
    const other = new Receiver();
    other.answer = () => "endless";
    await other.start();
    try {
      await notices.addWebhook({ url: receiver.url, kinds: ["finished"], project: null });
      await notices.addWebhook({ url: other.url, kinds: ["finished"], project: null });
      await notices.addWebhook({ url: `${other.url}&other`, kinds: ["finished"], project: "another" });
      await finish();
      await finish();
      await expect
        .poll(async () => (await notices.settings()).webhooks[1], { timeout: 8000 })
        .toMatchObject({ waiting: 0, last: { status: 200 } });
      expect(other.received).toHaveLength(2);
      expect((await notices.settings()).webhooks[0]).toMatchObject({ waiting: 2 });
    } finally {
      await other.stop();
    }
  });
});

function shellSpec(number: number) {
  return {
    name: `run ${number}`,
    project: "default",
    description: "",
    tags: [],
    recipe: "command",
    params: { command: ["true"] },
    args: [],
    env: {},
    launch: { kind: "local" as const, gpus: [] },
    grace_seconds: 1,
    track: false,
  };
}

it("has ids that a client can send in an address", () => {
  expect(NoticeShape.shape.id.safeParse("finished:run_x:1").success).toBe(true);
});
