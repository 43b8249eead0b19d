import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder, makeFolders } from "../../server/store/atomic.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "ty-folders-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("a folder", () => {
  it("is made with those above it, which are told of", async () => {
    const deep = path.join(root, "a", "b", "c");
    expect(await makeFolders(deep)).toBe(path.join(root, "a"));
    expect((await stat(deep)).isDirectory()).toBe(true);
    expect(await makeFolders(path.join(deep, "d"))).toBe(path.join(deep, "d"));
    expect(await makeFolders(deep)).toBeNull();
    expect(await makeFolders("/")).toBeNull();
    await symlink(deep, path.join(root, "link"));
    expect(await makeFolders(path.join(root, "link"))).toBeNull();
  });

  it("is made by several at once", async () => {
    const deep = path.join(root, "x", "y", "z");
    await Promise.all(Array.from({ length: 8 }, () => makeFolders(deep)));
    expect((await stat(deep)).isDirectory()).toBe(true);
  });

  it("is refused where it cannot be, at once", async () => {
    await writeFile(path.join(root, "file"), "");
    await symlink("nowhere", path.join(root, "dangling"));
    const places = [path.join(root, "file", "in"), path.join(root, "file"), path.join(root, "dangling"), path.join(root, "dangling", "in")];
    if (process.platform === "linux") places.push("/proc/nothing/in/it");
    for (const place of places) await expect(makeFolder(place)).rejects.toMatchObject({ code: "corrupt_record" });
  });
});
