import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  attemptEnvironment,
  inheritedEnvironment,
  pythonPath,
  SERVER_ALLOCATOR,
  serverEnvironment,
} from "../../server/launch/environment.ts";
import { parseProcStat, parsePsLine } from "../../server/launch/platform.ts";

describe("environment of a training", () => {
  test("loses the editor's variables and those of an enclosing run, keeps the rest", () => {
    const kept = inheritedEnvironment({
      PATH: "/bin",
      VSCODE_PID: "1",
      ELECTRON_RUN_AS_NODE: "1",
      NODE_OPTIONS: "--require bootloader.js",
      TRAINYARD_RUN_DIR: "/elsewhere",
      TRAINYARD_ATTEMPT: "2",
      WANDB_MODE: "offline",
    });
    expect(kept).toEqual({ PATH: "/bin", WANDB_MODE: "offline" });
    expect(inheritedEnvironment({ NODE_OPTIONS: "--max-old-space-size=99" })).toEqual({ NODE_OPTIONS: "--max-old-space-size=99" });
  });

  test("does not see how the server's own memory is set, but what its user set", () => {
    expect(serverEnvironment({ PATH: "/bin" })).toEqual({ PATH: "/bin", ...SERVER_ALLOCATOR });
    expect(inheritedEnvironment(serverEnvironment({ PATH: "/bin" }))).toEqual({ PATH: "/bin" });
    const users = { PATH: "/bin", MALLOC_TRIM_THRESHOLD_: "7" };
    expect(inheritedEnvironment(serverEnvironment(users))).toEqual(users);
  });

  test("the spec's variables win over ours where they may, never over the run's identity", () => {
    const base = {
      packageRoot: "/p",
      runDir: "/r",
      runId: "run_x",
      attempt: 2,
      store: "/s",
      project: "default",
      track: false,
      gpus: ["1", "3"],
      seed: null,
    };
    const env = attemptEnvironment(
      { ...base, user: { PYTHONUNBUFFERED: "0", TRAINYARD_RUN_ID: "forged", PYTHONPATH: "/mine" } },
      { PYTHONPATH: "/inherited" },
    );
    expect(env).toMatchObject({ PYTHONUNBUFFERED: "0", TRAINYARD_RUN_ID: "run_x", TRAINYARD_ATTEMPT: "2", CUDA_VISIBLE_DEVICES: "1,3" });
    expect(env["PYTHONPATH"]).toBe(["/p/python", "/mine"].join(path.delimiter));
    const bare = attemptEnvironment({ ...base, gpus: [], user: {} }, {});
    expect(bare).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
    expect(bare).not.toHaveProperty("TRAINYARD_SEED");
    expect(attemptEnvironment({ ...base, seed: 0, user: {} }, {})).toMatchObject({ TRAINYARD_SEED: "0" });
  });

  test("the hook's folder stands first", () => {
    expect(pythonPath("/p", true, "/rest").split(path.delimiter)).toEqual(["/p/python/trainyard/_hook", "/p/python", "/rest"]);
  });
});

describe("process tables", () => {
  test("/proc/<pid>/stat with brackets and spaces in the name", () => {
    const rest = "S 10 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 987654 1000000 300 18446744073709551615";
    expect(parseProcStat(`42 (py) thon (3) ${rest}`, 4096, 100)).toMatchObject({
      pid: 42,
      ppid: 10,
      group: 42,
      state: "S",
      startTime: "987654",
      cpuSeconds: 2,
      rssBytes: 300 * 4096,
    });
    expect(parseProcStat("", 4096, 100)).toBeNull();
    expect(parseProcStat("42 (cut", 4096, 100)).toBeNull();
  });

  test("ps of macOS", () => {
    expect(parsePsLine("  501     1   501 Ss    10240   1:02.50 Sat Nov 21 00:00:01 2026    ")).toEqual({
      pid: 501,
      ppid: 1,
      group: 501,
      session: 501,
      state: "S",
      rssBytes: 10_485_760,
      cpuSeconds: 62.5,
      startTime: "Sat Nov 21 00:00:01 2026",
    });
    expect(parsePsLine("")).toBeNull();
  });
});
