import { spawn, type ChildProcess } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROTOCOL_VERSION, type Discovery } from "../../protocol/discovery.ts";
import {
  findServer,
  makePrivateFolder,
  privateRuntimeFolder,
  removeDiscovery,
  serverFolder,
  writeDiscovery,
} from "../../server/discovery/discovery.ts";
import { lockHolder, takeLock } from "../../server/discovery/lock.ts";
import { identify } from "../../server/launch/platform.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-lock-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const record = (process: unknown, host = os.hostname()): string => JSON.stringify({ process, host, taken_at: new Date().toISOString() });

describe("the store's lock", () => {
  it("is held once, and free again after it was given back", async () => {
    const lock = await takeLock(folder);
    expect((await lockHolder(folder))?.pid).toBe(process.pid);
    await expect(takeLock(folder)).rejects.toMatchObject({ code: "store_occupied" });
    await lock.release();
    expect(await lockHolder(folder)).toBeNull();
    await (await takeLock(folder)).release();
    expect((await readdir(folder)).length).toBe(1);
  });

  it("is taken over from the dead: a pid of now, but of another start or another boot", async () => {
    const self = identify(process.pid);
    for (const dead of [
      { ...self, start_time: "1" },
      { ...self, boot_id: "another boot" },
      { ...self, pid: 4_000_000 },
    ]) {
      await writeFile(path.join(folder, "lock.1"), record(dead));
      await (await takeLock(folder)).release();
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
  });

  it("is taken over when its file is empty or damaged for longer than a moment", async () => {
    const file = path.join(folder, "lock.7");
    await writeFile(file, "");
    const old = new Date(Date.now() - 60_000);
    await utimes(file, old, old);
    await (await takeLock(folder)).release();
    expect(await readdir(folder)).toEqual(["lock.8"]);
  });

  it("of another host counts while it is touched", async () => {
    const file = path.join(folder, "lock.1");
    await writeFile(file, record({ pid: 1, start_time: "1", boot_id: "x" }, "another-host"));
    await expect(takeLock(folder)).rejects.toMatchObject({
      code: "store_occupied",
      message: expect.stringContaining("another-host") as string,
    });
    const old = new Date(Date.now() - 120_000);
    await utimes(file, old, old);
    await (await takeLock(folder)).release();
  });

  it("goes to exactly one of many who come at once, also over a stale one", async () => {
    for (const stale of [false, true]) {
      const dir = path.join(folder, String(stale));
      await mkdir(dir);
      if (stale) await writeFile(path.join(dir, "lock.3"), record({ ...identify(process.pid), start_time: "1" }));
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(dir)));
      const winners = results.filter((result) => result.status === "fulfilled");
      expect(winners.length).toBe(1);
      for (const winner of winners) await winner.value.release();
    }
  });

  it("goes to exactly one of several processes, and is free once the winner was killed", async () => {
    const program = path.join(folder, "contender.cjs");
    await build({
      stdin: {
        contents: `import { takeLock } from "./server/discovery/lock.ts";
          process.stdin.once("data", () => takeLock(process.argv[2]).then(() => { console.log("won"); setInterval(() => {}, 1000); }, (e) => { console.log(e.code); process.exit(0); }));
          console.log("ready");`,
        resolveDir: process.cwd(),
        loader: "ts",
      },
      outfile: program,
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
    const dir = path.join(folder, "store");
    await mkdir(dir);
    for (let round = 0; round < 2; round++) {
      const contenders = Array.from({ length: 4 }, () => spawn(process.execPath, [program, dir], { stdio: ["pipe", "pipe", "inherit"] }));
      await Promise.all(contenders.map((contender) => line(contender)));
      const words = contenders.map((contender) => line(contender));
      for (const contender of contenders) contender.stdin.write("go\n");
      expect((await Promise.all(words)).sort()).toEqual(["store_occupied", "store_occupied", "store_occupied", "won"]);
      const ends = contenders.map((contender) =>
        contender.exitCode === null ? new Promise((resolve) => contender.once("exit", resolve)) : Promise.resolve(),
      );
      for (const contender of contenders) contender.kill("SIGKILL");
      await Promise.all(ends);
    }
    expect(await lockHolder(dir)).toBeNull();
  });
});

function line(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout?.once("data", (data: Buffer) => {
      resolve(data.toString().trim());
    }),
  );
}

describe.skipIf(process.platform === "win32")("the discovery file", () => {
  const discovery = (store: string): Discovery => ({
    protocol: PROTOCOL_VERSION,
    url: "http://127.0.0.1:12345",
    token: "t".repeat(43),
    process: identify(process.pid)!,
    store,
    version: "0.0.0",
    started_at: new Date().toISOString(),
  });

  it("is private, found while its process lives, and gone afterwards", async () => {
    const dir = serverFolder(folder);
    await makePrivateFolder(dir, folder);
    await writeDiscovery(dir, discovery(folder));
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(dir, "discovery.json"))).mode & 0o777).toBe(0o600);
    expect((await findServer(folder))?.url).toBe("http://127.0.0.1:12345");
    const alias = `${folder}-alias`;
    await symlink(folder, alias);
    expect((await findServer(alias))?.store).toBe(folder);
    await rm(alias);
    await removeDiscovery(dir);
    expect(await findServer(folder)).toBeNull();
  });

  it("is not believed when others can read it, when it is of another store, of a dead process, or no record at all", async () => {
    const dir = serverFolder(folder);
    await makePrivateFolder(dir, folder);
    const file = path.join(dir, "discovery.json");
    await writeDiscovery(dir, discovery(folder));
    await chmod(file, 0o644);
    expect(await findServer(folder)).toBeNull();
    await writeDiscovery(dir, discovery("/elsewhere"));
    expect(await findServer(folder)).toBeNull();
    const dead = discovery(folder);
    await writeDiscovery(dir, { ...dead, process: { ...dead.process, start_time: "0" } });
    expect(await findServer(folder)).toBeNull();
    await writeFile(file, (await readFile(file, "utf8")).slice(0, 40));
    expect(await findServer(folder)).toBeNull();
    expect(await findServer(path.join(folder, "missing"))).toBeNull();
  });

  it("closes a folder that was open to others, and refuses one that is no folder", async () => {
    const dir = serverFolder(folder);
    await mkdir(dir, { mode: 0o755 });
    await makePrivateFolder(dir, folder);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    await rm(dir, { recursive: true });
    await symlink(os.tmpdir(), dir);
    await expect(makePrivateFolder(dir, folder)).rejects.toMatchObject({ code: "forbidden" });
  });

  it("of a store that cannot be written lies in a private folder per user and store", () => {
    expect(privateRuntimeFolder("/a")).not.toBe(privateRuntimeFolder("/b"));
    expect(privateRuntimeFolder("/a").startsWith(path.join(os.tmpdir(), `trainyard-${process.getuid!()}`))).toBe(true);
  });
});
