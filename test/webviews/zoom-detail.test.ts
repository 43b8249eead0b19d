import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChartSync, type XAxis, type XWindow } from "../../webviews/charts/chart-sync.ts";
import { SeriesColumns } from "../../webviews/charts/columns.ts";
import { pointsWithin, ZoomDetail } from "../../webviews/charts/zoom-detail.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("more points for a zoom", () => {
  const loader = () => {
    const columns = new SeriesColumns();
    return { columns, load: vi.fn(() => Promise.resolve(columns)) };
  };

  it("are asked for once the window stands still, once for each series", async () => {
    const loaded = vi.fn();
    const detail = new ZoomDetail(loaded);
    const passed = loader();
    const stood = loader();
    for (const at of [1, 2, 3]) detail.want("loss", [at, 10], 0, passed.load);
    await vi.advanceTimersByTimeAsync(50);
    for (let i = 0; i < 3; i++) detail.want("loss", [4, 10], 0, stood.load);
    await vi.advanceTimersByTimeAsync(500);
    expect(passed.load).not.toHaveBeenCalled();
    expect(stood.load).toHaveBeenCalledOnce();
    expect(loaded).toHaveBeenCalledOnce();
    expect(detail.get("loss", [4, 10])).toBe(stood.columns);
    expect(detail.get("loss", [4, 11])).toBeNull();
    expect(detail.get("loss", null)).toBeNull();
  });

  it("that come after the window moved on are dropped, and no more than a few are asked for at once", async () => {
    const detail = new ZoomDetail(() => undefined);
    const answers: ((columns: SeriesColumns) => void)[] = [];
    const late = () => new Promise<SeriesColumns>((resolve) => answers.push(resolve));
    for (let n = 0; n < 40; n++) detail.want(`run ${String(n)}`, [0, 1], 0, late);
    await vi.advanceTimersByTimeAsync(500);
    expect(answers).toHaveLength(6);
    const now = loader();
    detail.want("run 0", [5, 6], 0, now.load);
    for (const answer of answers) answer(new SeriesColumns());
    await vi.advanceTimersByTimeAsync(500);
    expect(answers).toHaveLength(6);
    expect(detail.get("run 0", [5, 6])).toBe(now.columns);
    expect(detail.get("run 1", [5, 6])).toBeNull();
  });

  it("are asked for anew under another moving average, stay until those come, and never come late in their place", async () => {
    const loaded = vi.fn();
    const detail = new ZoomDetail(loaded);
    const answers = new Map<number, (columns: SeriesColumns) => void>();
    const want = (smoothing: number): void => {
      detail.want("loss", [0, 9], smoothing, () => new Promise((resolve) => answers.set(smoothing, resolve)));
    };
    const [first, second, third] = [0.5, 0.6, 0.7].map(() => new SeriesColumns());
    want(0.5);
    await vi.advanceTimersByTimeAsync(500);
    answers.get(0.5)?.(first!);
    await vi.advanceTimersByTimeAsync(0);
    want(0.55); // passed before anybody asked for it
    want(0.6);
    want(0.6);
    await vi.advanceTimersByTimeAsync(500);
    want(0.7);
    await vi.advanceTimersByTimeAsync(500);
    expect([...answers.keys()]).toEqual([0.5, 0.6, 0.7]);
    expect(detail.get("loss", [0, 9])).toBe(first);
    answers.get(0.7)?.(third!);
    await vi.advanceTimersByTimeAsync(0);
    answers.get(0.6)?.(second!);
    await vi.advanceTimersByTimeAsync(0);
    expect(detail.get("loss", [0, 9])).toBe(third);
    expect(loaded).toHaveBeenCalledTimes(2);
  });
});

describe("the points of a window", () => {
  const STEPS = 2_000_000;
  /** A second and a bit more each, and a pause in the middle. */
  const timeOf = (step: number): number => 1e12 + step * 1003 + (step > 1_200_000 ? 9e8 : 0);

  /** What a server answers: the points between two steps with one beside each end, every so many of them where they are too many. */
  function between([from, to]: XWindow, most: number): SeriesColumns {
    const [first, last] = [Math.max(0, Math.floor(from) - 1), Math.min(STEPS, Math.ceil(to) + 1)];
    const columns = new SeriesColumns();
    const stride = Math.ceil((last - first + 1) / most);
    for (let step = first; step <= last; step += stride) columns.append(step, timeOf(step), step, 1, 7 * step);
    columns.downsampled = stride > 1;
    return columns;
  }

  it.each<[XAxis, (step: number) => number, number]>([
    ["step", (step) => step, 0],
    ["wall", timeOf, 0],
    ["relative", (step) => timeOf(step) - 1e12, 1e12],
    ["counter:tokens", (step) => 7 * step, 0],
  ])("are all of them, however long the curve is, by %s", async (axis, place, origin) => {
    const overview = between([0, STEPS], 2000);
    for (const start of [0, 777_777, 1_199_995, 1_999_980]) {
      const ask = vi.fn((steps: XWindow) => Promise.resolve(between(steps, 2000)));
      const found = await pointsWithin(overview, axis, [place(start), place(start + 12)], origin, ask);
      expect([...(found?.steps ?? [])]).toEqual(expect.arrayContaining(Array.from({ length: 13 }, (_, i) => start + i)));
      expect(ask.mock.calls.length).toBeLessThanOrEqual(axis === "step" ? 1 : 3);
    }
    // What does not fit is asked for once.
    const wide = vi.fn((steps: XWindow) => Promise.resolve(between(steps, 2000)));
    expect((await pointsWithin(overview, axis, [place(1000), place(1_000_000)], origin, wide))?.downsampled).toBe(true);
    expect(wide).toHaveBeenCalledOnce();
  });
});

describe("the zoom of y", () => {
  it("belongs to a metric, and goes with another kind of axis or a reset", () => {
    const sync = new ChartSync();
    sync.zoomY("loss", [-1, 2]);
    expect(sync.zoomed).toBe(true);
    expect(sync.yZooms.value.get("accuracy")).toBeUndefined();
    sync.change({ smoothing: 0.5 });
    expect(sync.yZooms.value.get("loss")).toEqual([-1, 2]);
    sync.change({ logY: true });
    expect(sync.zoomed).toBe(false);
    sync.zoomY("loss", [1, 2]);
    sync.resetZoom();
    expect(sync.zoomed).toBe(false);
  });
});
