/** Curves of the runs' table: what is asked of the server while rows pass, and how a curve lies in its box. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeFrame } from "../../protocol/frames.ts";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { encodeArrow } from "../../server/series/arrow.ts";
import type { Row } from "../../webviews/explore/scope.ts";
import { SPARK_HEIGHT, SPARK_WIDTH, Sparklines, sparkPath } from "../../webviews/explore/sparklines.ts";
import type { Transport } from "../../webviews/transport/transport.ts";

const FIELD = "metrics.train/loss";
const COLUMNS = ["record.tags", "metrics.eval/loss", FIELD].map((field) => ({ field, width: null, pinned: false }));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function row(id: RunId, count: number): Row {
  return { id, gone: false, values: { [`${FIELD}:count`]: count } };
}

/** A server that answers each question after 10 ms. */
function transport(asked: RunId[], broken: ReadonlySet<RunId> = new Set()): { readonly link: Transport; readonly most: () => number } {
  let [running, most] = [0, 0];
  const bytes = async (_route: string, { params: { id } }: { params: { id: RunId } }): Promise<Uint8Array> => {
    asked.push(id);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 10));
    running--;
    if (broken.has(id)) throw new TrainyardError("not_found", `there is no run ${id}`);
    const steps = Float64Array.from([1, 2, 3]);
    const window = { name: "train/loss", steps, times: steps, values: steps, attempts: new Int32Array(3), downsampled: false };
    const header = { type: "series", id: null, run: id, series: [window.name], downsampled: [false], cursor: {}, reset: true } as const;
    return encodeFrame({ ...header, series: [...header.series], downsampled: [...header.downsampled] }, encodeArrow([window]));
  };
  return { link: { bytes } as unknown as Transport, most: () => most };
}

describe("curves of rows", () => {
  it("are asked for once scrolling rests, for the rows it rests on, a few at a time, and never again", async () => {
    const ids = Array.from({ length: 60 }, () => newRunId());
    const rows = ids.map((id) => row(id, 500));
    const asked: RunId[] = [];
    const { link, most } = transport(asked);
    const loaded = vi.fn();
    const sparks = new Sparklines(link, loaded);
    for (let from = 0; from <= 40; from += 5) {
      sparks.show(COLUMNS, rows.slice(from, from + 20));
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(asked).toEqual([]);
    sparks.show(COLUMNS, [undefined, ...rows.slice(40)]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(new Set(asked)).toEqual(new Set(ids.slice(40)));
    expect(asked).toHaveLength(20);
    expect(most()).toBe(3);
    expect(loaded).toHaveBeenCalledTimes(21);
    expect(sparks.path(FIELD, ids[59]!)).not.toBe("");
    sparks.show(COLUMNS, rows.slice(40));
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toHaveLength(20);
    // A live run's curve is drawn anew once it has grown by so much that one would see it.
    sparks.show(COLUMNS, [row(ids[59]!, 510), row(ids[58]!, 600)]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.slice(20)).toEqual([ids[58]]);
  });

  it("leave out what is too long or has no line, and stand without those that could not be read", async () => {
    const [long, single, none, gone] = [newRunId(), newRunId(), newRunId(), newRunId()];
    const asked: RunId[] = [];
    const sparks = new Sparklines(transport(asked, new Set([gone])).link, () => undefined);
    sparks.show(COLUMNS, [row(long, 10_000_000), row(single, 1), { id: none, gone: false, values: {} }, row(gone, 50)]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toEqual([gone]);
    expect(sparks.path(FIELD, gone)).toBe("");
    sparks.show([], [row(newRunId(), 50)]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toHaveLength(1);
  });

  it("fill their box from the lowest to the highest value and break where a value is not finite", () => {
    const value = fc.oneof({ weight: 6, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }, fc.constantFrom(NaN, Infinity));
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 40 }), (values) => {
        const steps = Float64Array.from(values.keys());
        const points = [...sparkPath(steps, Float64Array.from(values)).matchAll(/([ML])([\d.]+),([\d.]+)/g)];
        const finite = values.filter(Number.isFinite);
        expect(points).toHaveLength(finite.length);
        const xs = points.map(([, , x]) => Number(x));
        const ys = points.map(([, , , y]) => Number(y));
        expect(xs.every((x) => x >= 0 && x <= SPARK_WIDTH)).toBe(true);
        if (finite.length > 1 && Math.max(...finite) > Math.min(...finite))
          expect([Math.min(...ys), Math.max(...ys)]).toEqual([1, SPARK_HEIGHT - 1]);
        const pieces = values.filter((each, i) => Number.isFinite(each) && !Number.isFinite(values[i - 1] ?? NaN)).length;
        expect(points.filter(([, command]) => command === "M")).toHaveLength(pieces);
      }),
    );
  });
});
