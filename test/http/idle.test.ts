import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { collectGarbage } from "../../server/heap.ts";
import { tidyWhenIdle } from "../../server/idle.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] }));
afterEach(() => vi.useRealTimers());

it("collects twice once nobody has asked for a while, and again after the next visitor, never while somebody looks", () => {
  let busy = true;
  let lastRequest = Date.now();
  const collect = vi.fn();
  const end = tidyWhenIdle(
    () => busy,
    () => lastRequest,
    collect,
  );
  const after = (ms: number): number => {
    vi.advanceTimersByTime(ms);
    return collect.mock.calls.length;
  };
  expect(after(300_000)).toBe(0);
  busy = false;
  expect(after(30_000)).toBe(0);
  expect(after(300_000)).toBe(2);
  lastRequest = Date.now();
  expect(after(30_000)).toBe(2);
  expect(after(300_000)).toBe(4);
  end();
  lastRequest = Date.now();
  expect(after(300_000)).toBe(4);
});

it("collects what nothing holds any more", async () => {
  const ref = ((): WeakRef<object> => new WeakRef({ large: new Array(1000).fill(0) }))();
  // What a WeakRef has held is kept until the event loop turns.
  await new Promise((resolve) => setTimeout(resolve, 5));
  collectGarbage();
  expect(ref.deref()).toBeUndefined();
});
