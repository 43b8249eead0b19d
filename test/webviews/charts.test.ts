import fc from "fast-check";
import { parse, View } from "vega";
import { describe, expect, it } from "vitest";
import { newAverage, smoothInto } from "../../protocol/smoothing.ts";
import type { Plot } from "../../webviews/charts/canvas-marks.ts";
import { ChartPointer, type PointerTarget } from "../../webviews/charts/chart-pointer.ts";
import { SeriesColumns } from "../../webviews/charts/columns.ts";
import { compileFrames } from "../../webviews/charts/build-frames.mjs";
import { describeChart, toCsv } from "../../webviews/charts/describe.ts";
import { traceBand, tracePath } from "../../webviews/charts/draw-line.ts";
import frames from "../../webviews/charts/frames.json" with { type: "json" };
import { NO_ANNOTATIONS } from "../../webviews/charts/annotations.ts";
import { lineStyle, SLOT_COUNT, themeKind } from "../../webviews/charts/palette.ts";
import {
  growDomain,
  linearScale,
  logDomain,
  logScale,
  lowerBound,
  nearestIndex,
  niceDomain,
  windowRange,
} from "../../webviews/charts/scale.ts";
import { ChartSync, DEFAULT_SETTINGS } from "../../webviews/charts/chart-sync.ts";
import { fullWindow, stepWindow } from "../../webviews/charts/chart-window.ts";
import { LAST_PLACE, placeOfWeight, weightAt, weightText } from "../../webviews/charts/smoothing-scale.ts";
import { tickLabels, tickValues } from "../../webviews/charts/ticks.ts";

const finite = fc.double({ noNaN: true, min: -1e6, max: 1e6 });

function columnsOf(values: readonly number[]): SeriesColumns {
  const columns = new SeriesColumns();
  values.forEach((value, i) => {
    columns.append(i + 1, 1000 * i, value, 1);
  });
  return columns;
}

describe("smoothing", () => {
  it("gives a constant back from the first point on: the bias is corrected", () => {
    for (const average of columnsOf([3, 3, 3, 3, 3]).smoothed(0.9)) expect(average).toBeCloseTo(3, 12);
  });

  it("leaves a gap at NaN and goes on after it", () => {
    const [, gap, after] = columnsOf([1, Number.NaN, 1]).smoothed(0.5);
    expect(gap).toBeNaN();
    expect(after).toBeCloseTo(1, 12);
  });

  it("stays within the values seen, and weight 0 is the values themselves", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 50 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (values, weight) => {
        const smoothed = columnsOf(values).smoothed(weight);
        const low = Math.min(...values);
        const high = Math.max(...values);
        const room = 1e-6 * (1 + Math.abs(low) + Math.abs(high));
        for (const value of smoothed) expect(value >= low - room && value <= high + room).toBe(true);
        if (weight === 0) expect([...smoothed]).toEqual(values);
      }),
    );
  });

  it("is the mean weighted by the age of each value, of a computation of its own", () => {
    const value = fc.oneof({ weight: 9, arbitrary: finite }, { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) });
    const weight = fc.oneof(fc.constantFrom(0, 0.5, 0.9, 0.999), fc.double({ min: 0, max: 0.9999, noNaN: true }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 80 }), weight, (values, w) => {
        const smoothed = columnsOf(values).smoothed(w);
        const seen: number[] = [];
        for (const [i, now] of values.entries()) {
          if (!Number.isFinite(now)) {
            expect(Number.isFinite(smoothed[i])).toBe(false);
            continue;
          }
          seen.push(now);
          const weights = seen.map((_, age) => w ** (seen.length - 1 - age));
          const total = weights.reduce((sum, each) => sum + each, 0);
          const mean = seen.reduce((sum, each, age) => sum + (each * (weights[age] ?? 0)) / total, 0);
          expect(Math.abs((smoothed[i] ?? 0) - mean)).toBeLessThanOrEqual(1e-9 * (1 + Math.max(...seen.map(Math.abs))));
        }
      }),
    );
  });

  it("is the same whether points come at once or one by one, across growth and change of weight", () => {
    const values = Array.from({ length: 700 }, (_, i) => Math.sin(i / 10));
    const grown = new SeriesColumns();
    values.forEach((value, i) => {
      grown.append(i + 1, 1000 * i, value, 1);
      grown.smoothed(0.8);
    });
    expect([...grown.smoothed(0.8)]).toEqual([...columnsOf(values).smoothed(0.8)]);
    expect([...grown.smoothed(0.3)]).toEqual([...columnsOf(values).smoothed(0.3)]);
  });

  it("has a slider whose places are all weights, each larger than the one before, up to one that looks back over ten thousand points", () => {
    const weights = Array.from({ length: LAST_PLACE + 1 }, (_, place) => weightAt(place));
    expect(weights.every((weight, i) => i === 0 || weight > (weights[i - 1] ?? 1))).toBe(true);
    expect(weights.map(placeOfWeight)).toEqual([...weights.keys()]);
    expect(weights.map((weight) => Number(weightText(weight)))).toEqual(weights);
    expect([weights[0], weights[80], weights.at(-1)]).toEqual([0, 0.8, 0.9999]);
    expect([0.9949, 0.99996].map(placeOfWeight).map(weightAt)).toEqual([0.995, 0.9999]);
  });

  it("does not slow down or change over a long stretch of values that are all the same", () => {
    const same = new Float64Array(100_000).fill(2);
    const averages = new Float64Array(same.length);
    const state = newAverage();
    smoothInto(state, 0.99, same, 0, same.length, averages, 0);
    expect(averages.every((average) => Math.abs(average - 2) < 1e-12)).toBe(true);
    expect(state.rest).toBe(0);
  });

  it("is what came with the points where not all of them are here, under the weight that it came with", () => {
    const thinned = new SeriesColumns();
    thinned.lackPoints(0.9);
    for (let i = 0; i < 600; i++) thinned.append(10 * i, i, i, 1, Number.NaN, -i);
    expect([...thinned.smoothed(0.9)]).toEqual(Array.from({ length: 600 }, (_, i) => -i));
    expect(thinned.smoothed(0.5)).toEqual(thinned.smoothed(0.9));
    expect([0.9, 0.5, 0].map((weight) => thinned.smoothedBy(weight))).toEqual([0.9, 0.9, 0]);
    expect(thinned.smoothed(0)).toEqual(thinned.values);
    const unsmoothed = new SeriesColumns();
    unsmoothed.lackPoints(null);
    unsmoothed.append(0, 0, 7, 1);
    expect([unsmoothed.smoothedBy(0.9), ...unsmoothed.smoothed(0.9)]).toEqual([0, 7]);
    thinned.clear();
    thinned.append(0, 0, 3, 1);
    expect([thinned.smoothedBy(0.5), ...thinned.smoothed(0.5)]).toEqual([0.5, 3]);
  });

  it("goes by steps also where the points are drawn by a clock that was set back", () => {
    const clock = (i: number): number => (i < 6 ? 1000 + i : 900 + i);
    for (const served of [false, true]) {
      const columns = new SeriesColumns();
      if (served) columns.lackPoints(0.5);
      const append = (i: number): void => {
        columns.append(i, clock(i), i % 3, 1, Number.NaN, 100 + i);
      };
      const averagesBySteps = (): number[] => {
        const { byTime } = columns;
        expect([...byTime.times]).toEqual([...columns.times].sort((a, b) => a - b));
        const averages = byTime.smoothed(0.5);
        return [...columns.steps].map((step) => averages[byTime.steps.indexOf(step)] ?? Number.NaN);
      };
      for (let i = 0; i < 10; i++) append(i);
      expect(averagesBySteps()).toEqual([...columns.smoothed(0.5)]);
      for (let i = 10; i < 20; i++) append(i);
      expect(averagesBySteps()).toEqual([...columns.smoothed(0.5)]);
      expect(columns.byTime.smoothedBy(0.3)).toBe(served ? 0.5 : 0.3);
      columns.append(20, clock(6), 50, 1, Number.NaN, 120);
      expect(averagesBySteps()).toEqual([...columns.smoothed(0.5)]);
    }
  });
});

describe("scales and windows", () => {
  it("inverts what it maps", () => {
    fc.assert(
      fc.property(
        finite,
        fc.double({ noNaN: true, min: 1e-3, max: 1e6 }),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (low, span, part) => {
          const scale = linearScale([low, low + span], [10, 500]);
          const value = low + span * part;
          expect(Math.abs(scale.invert(scale.at(value)) - value)).toBeLessThan(1e-6 * (1 + Math.abs(value)));
        },
      ),
    );
    expect(logScale([0.01, 100], [0, 400]).at(1)).toBeCloseTo(200, 9);
    expect(logScale([0.01, 100], [0, 400]).at(0)).toBeNaN();
  });

  it("widens a domain to round numbers that hold it, a flat one included", () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const [low, high] = niceDomain([Math.min(a, b), Math.max(a, b)]);
        const room = 1e-9 * (1 + Math.abs(a) + Math.abs(b));
        expect(low).toBeLessThanOrEqual(Math.min(a, b) + room);
        expect(high).toBeGreaterThanOrEqual(Math.max(a, b) - room);
        expect(high).toBeGreaterThan(low);
      }),
    );
    expect(niceDomain([0.83, 1.57])).toEqual([0.8, 1.6]);
  });

  it("grows and never shrinks", () => {
    expect(growDomain([0, 1], [0.4, 0.5])).toEqual([0, 1]);
    expect(growDomain([0, 1], [-2, 0.5])).toEqual([-2, 1]);
    expect(growDomain(null, [3, 4])).toEqual([3, 4]);
  });

  it("finds the window with one neighbour on each side", () => {
    const xs = Float64Array.from([0, 10, 20, 30, 40]);
    expect(windowRange(xs, [12, 28])).toEqual([1, 4]);
    expect(windowRange(xs, [-5, 100])).toEqual([0, 5]);
    expect(windowRange(new Float64Array(0), [0, 1])).toEqual([0, 0]);
    expect(lowerBound(xs, 20)).toBe(2);
    expect(nearestIndex(xs, 14)).toBe(1);
    expect(nearestIndex(xs, 1e9)).toBe(4);
    expect(nearestIndex(new Float64Array(0), 1)).toBe(-1);
  });
});

describe("windows of the x axis", () => {
  const columns = columnsOf([5, 4, 3, 2, 1]);

  it("asks for detail in steps, whatever the axis", () => {
    expect(stepWindow(columns, "step", [2, 3], 0)).toEqual([2, 3]);
    expect(stepWindow(columns, "wall", [1500, 2500], 0)).toEqual([2, 4]);
    // Relative time counts from the run's first point; a window of it is no window of steps.
    const late = new SeriesColumns();
    for (let step = 1; step <= 5; step++) late.append(step, 1e12 + 1000 * step, 0, 1);
    expect(stepWindow(late, "relative", [500, 1500], 1e12 + 1000)).toEqual([1, 3]);
  });

  it("shows the steps that a newer attempt has yet to go over again", () => {
    const attempts = [
      { number: 1, from: 0, to: 3, replayed: [3, 9] as const },
      { number: 2, from: 3, to: null, replayed: null },
    ];
    const store = { span: { firstStep: 1, lastStep: 5, lastTime: 4000 }, origin: 0, get: () => undefined };
    const window = (show: boolean) =>
      fullWindow(columns, store, { attempts, checkpoints: [], notFinite: {} }, { ...DEFAULT_SETTINGS, attempts: show });
    expect(window(true)).toEqual([0, 9]);
    expect(window(false)).toEqual([0, 5]);
  });
});

describe("values and windows of any size", () => {
  const range: readonly [number, number] = [300, 10];
  const anySize = fc.double({ noNaN: true, noDefaultInfinity: true });

  it("have a domain and ticks that can be drawn, linear and logarithmic", () => {
    const flat = [0, 3.25, 1e-302, 1e300, -1e16].map((value) => [value, value] as const);
    const drawn = fc.oneof(fc.tuple(anySize, anySize), fc.constantFrom([1e-300, 1e300] as const, [-1.7e308, 1.7e308] as const, ...flat));
    const makeFormat = new View(parse({})).locale().format;
    fc.assert(
      fc.property(drawn, ([a, b]) => {
        const needed: readonly [number, number] = [Math.min(a, b), Math.max(a, b)];
        const linear = niceDomain(needed);
        expect(linear.every(Number.isFinite) && linear[0] < linear[1]).toBe(true);
        for (const value of needed) if (Math.abs(value) < 1e300) expect(Number.isFinite(linearScale(linear, range).at(value))).toBe(true);
        const labels = tickLabels(linear, 5, false, makeFormat);
        expect(labels.length).toBeLessThan(30);
        // One long label would take the room of every chart of the page.
        expect(Math.max(...labels.map((label) => label.length))).toBeLessThan(22);
        if (needed[0] <= 0) return;
        const log = logDomain(needed);
        expect(log.every((end) => Number.isFinite(end) && end > 0) && log[0] < log[1]).toBe(true);
        for (const value of needed) expect(Number.isFinite(logScale(log, range).at(value))).toBe(true);
      }),
    );
  });

  it("have few ticks even where adding one to a number changes nothing", () => {
    expect(tickValues([2 ** 53, 2 ** 53 + 4], 1).length).toBeLessThan(10);
    expect(tickValues([1, 1 + 2 ** -52], 1e-17).length).toBeLessThan(300);
    fc.assert(
      fc.property(anySize, anySize, fc.double({ noNaN: true, min: Number.MIN_VALUE }), (a, b, step) => {
        expect(tickValues([Math.min(a, b), Math.max(a, b)], step).length).toBeLessThanOrEqual(200);
      }),
    );
  });

  it("stay drawable however long a wheel is turned, in or out, on either axis", () => {
    for (const [logY, low, high] of [
      [false, 0.9, 1.1],
      [false, -3e300, 1e300],
      [false, 0, 5e-290],
      [true, 1e-300, 1e300],
    ] as const)
      // prettier-ignore
      for (const deltaY of [-100, 100]) {
        const sync = new ChartSync({ ...DEFAULT_SETTINGS, logY });
        const full: readonly [number, number] = [2 ** 53, 2 ** 53 + 4000];
        const plot = (): Plot => {
          const y = sync.yZooms.value.get("loss") ?? [low, high];
          const x = sync.zoom.value ?? full;
          const box = { left: 50, top: 10, width: 500, height: 290 };
          return { ...box, x: linearScale(x, [50, 550]), y: logY ? logScale(y, range) : linearScale(y, range) };
        };
        const target: PointerTarget = {
          metric: "loss",
          sync,
          plotElement: { getBoundingClientRect: () => ({ left: 0, top: 0 }) } as HTMLElement,
          get plot() {
            return plot();
          },
          get window() {
            return sync.zoom.value ?? full;
          },
          full,
          xAt: (pixel) => plot().x.invert(pixel),
          clickAt: () => undefined,
          dragged: () => undefined,
        };
        const pointer = new ChartPointer(target);
        const wheel = { ctrlKey: true, deltaY, deltaX: 0, preventDefault: () => undefined };
        for (let i = 0; i < 1000; i++)
          for (const clientX of [10, 123]) pointer.wheel({ ...wheel, clientX, clientY: 77 } as WheelEvent);
        if (deltaY < 0) expect(sync.zoom.value !== null && sync.yZooms.value.has("loss")).toBe(true);
        const { x, y } = plot();
        for (const at of [x.at(full[0]), x.invert(300), y.invert(10), y.invert(300)]) expect(Number.isFinite(at)).toBe(true);
        expect(y.invert(10)).toBeGreaterThan(y.invert(300));
        expect(x.invert(550)).toBeGreaterThan(x.invert(50));
      }
  });
});

describe("the order of an axis", () => {
  it("by time is that of the clock, whatever the steps say, while points come", () => {
    const point = fc.record({ gain: fc.integer({ min: -3, max: 5 }), value: finite });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (points, asked) => {
        const columns = new SeriesColumns();
        const held: { step: number; time: number; value: number }[] = [];
        let time = 1e12;
        for (const [step, { gain, value }] of points.entries()) {
          time += gain;
          held.push({ step, time, value });
          columns.append(step, time, value, 1);
          if (step % asked !== 0) continue;
          const sorted = held.toSorted((a, b) => a.time - b.time);
          expect([...columns.byTime.steps]).toEqual(sorted.map((each) => each.step));
          expect([...columns.byTime.values]).toEqual(sorted.map((each) => each.value));
        }
        columns.clear();
        expect(columns.byTime.length).toBe(0);
      }),
    );
  });

  it("begins where the steps do: below zero, or far from it", () => {
    const window = (firstStep: number, lastStep: number): readonly number[] =>
      fullWindow(
        columnsOf([1]),
        { span: { firstStep, lastStep, lastTime: 0 }, origin: 0, get: () => undefined },
        NO_ANNOTATIONS,
        DEFAULT_SETTINGS,
      );
    expect(window(-100, -51)).toEqual([-100, -51]);
    expect(window(-5, 20)).toEqual([-5, 20]);
    expect(window(1, 20)).toEqual([0, 20]);
    expect(window(1e6, 1e6 + 50)).toEqual([1e6, 1e6 + 50]);
    expect(window(500, 500)).toEqual([0, 500]);
    expect(window(0, 0)).toEqual([0, 1]);
  });
});

describe("ticks", () => {
  const makeFormat = new View(parse({})).locale().format;
  const labels = (low: number, high: number, logY = false): string[] => tickLabels([low, high], 5, logY, makeFormat);

  it("writes as many digits as tell neighbours apart", () => {
    expect(labels(2.99e-3, 3e-3)).toEqual(["0.002990", "0.002992", "0.002994", "0.002996", "0.002998", "0.003000"]);
    expect(labels(0.8, 1.6)).toEqual(["0.8", "1.0", "1.2", "1.4", "1.6"]);
    expect(labels(0, 2e-4)).toEqual(["0", "5e\u22125", "1e\u22124", "1.5e\u22124", "2e\u22124"]);
    expect(labels(-3, 3)).toEqual(["\u22123", "\u22122", "\u22121", "0", "1", "2", "3"]);
    expect(labels(5000, 8000)).toEqual(["5,000", "5,500", "6,000", "6,500", "7,000", "7,500", "8,000"]);
    expect(labels(0, 50_000)).toEqual(["0", "10k", "20k", "30k", "40k", "50k"]);
    expect(labels(1e-6, 1, true)).toEqual(["1e\u22126", "1e\u22125", "1e\u22124", "1e\u22123", "1e\u22122", "1e\u22121", "1e0", "1e1"]);
  });

  it("never writes two ticks alike", () => {
    fc.assert(
      fc.property(finite, fc.double({ noNaN: true, min: 1e-4, max: 1e6 }), (low, span) => {
        const shown = labels(low, low + span);
        expect(new Set(shown).size).toBe(shown.length);
        expect(shown.length).toBeGreaterThan(1);
      }),
    );
  });

  it("gives all charts of a page the room of the widest label", () => {
    const { gutter } = new ChartSync();
    const [one, other] = [{}, {}];
    const narrowest = gutter.width.value;
    gutter.need(one, narrowest + 9);
    gutter.need(other, 10);
    expect(gutter.width.value).toBeGreaterThanOrEqual(narrowest + 9);
    gutter.leave(one);
    expect(gutter.width.value).toBe(narrowest);
  });
});

describe("drawing", () => {
  const identity = { at: (value: number) => value, invert: (value: number) => value };

  function trace(ys: Float64Array, width: number, span: number): { ys: number[]; strokes: number } {
    const drawn: number[] = [];
    let strokes = 0;
    const path = {
      moveTo: (_: number, y: number) => {
        strokes++;
        drawn.push(y);
      },
      lineTo: (_: number, y: number) => drawn.push(y),
    };
    const xs = Float64Array.from(ys, (_, i) => (i / ys.length) * span);
    tracePath(path, { xs, ys, from: 0, to: ys.length }, identity, identity, width);
    return { ys: drawn, strokes };
  }

  it("loses no spike when it reduces 100,000 points to 300 pixels", () => {
    const ys = new Float64Array(100_000).fill(1);
    for (let i = 150; i < ys.length; i += 997) ys[i] = 50 + i;
    const { ys: drawn } = trace(ys, 300, 300);
    expect(drawn.length).toBeLessThan(300 * 4 + 4);
    // Of several spikes in one pixel the highest is what the eye would see.
    expect(Math.max(...drawn)).toBe(Math.max(...ys));
    expect(new Set(drawn.filter((y) => y > 40)).size).toBeGreaterThan(95);
  });

  it("leaves a gap at NaN", () => {
    expect(trace(Float64Array.from([1, 2, Number.NaN, 3, 4]), 300, 300)).toEqual({ ys: [1, 2, 3, 4], strokes: 2 });
    expect(trace(Float64Array.from([1, 2, Infinity, 3, 4]), 300, 300)).toEqual({ ys: [1, 2, 3, 4], strokes: 2 });
  });

  it("shows a point between two gaps, dense or not", () => {
    const lone = [Number.NaN, 5, Number.NaN, Number.NaN, 7, Number.NaN, 9];
    expect(trace(Float64Array.from(lone), 300, 300)).toEqual({ ys: [5, 5, 7, 7, 9, 9], strokes: 3 });
    const dense = Float64Array.from({ length: 3000 }, (_, i) => (i === 1500 ? 4 : Number.NaN));
    expect(trace(dense, 300, 300)).toEqual({ ys: [4, 4], strokes: 1 });
  });

  it("leaves a gap in a band where no replicate has a value", () => {
    const drawn: string[] = [];
    const path = { moveTo: (x: number, y: number) => drawn.push(`M${x},${y}`), lineTo: (x: number, y: number) => drawn.push(`L${x},${y}`) };
    const low = Float64Array.from([1, 2, Number.NaN, Number.NaN, 5]);
    const band = { xs: Float64Array.from([0, 1, 2, 3, 4]), low, high: low.map((value) => value + 1), from: 0, to: 5 };
    traceBand(path, band, { x: identity, y: identity, top: 0, height: 9 });
    expect(drawn.join(" ")).toBe("M0,2 L1,3 L1,2 L0,1 M4,6 L4,5");
  });
});

describe("the palette", () => {
  it("has eight colours a theme, then the same ones dashed", () => {
    for (const theme of ["dark", "light"] as const) {
      const colors = Array.from({ length: SLOT_COUNT }, (_, slot) => lineStyle(slot, theme).color);
      expect(new Set(colors).size).toBe(8);
      expect(lineStyle(8, theme)).toEqual({ color: colors[0], dash: [6, 3] });
      expect(lineStyle(16, theme).dash).toEqual([2, 3]);
    }
  });

  it("reads the theme from the body's classes", () => {
    expect(themeKind(["vscode-light"])).toBe("light");
    expect(themeKind(["vscode-high-contrast-light", "vscode-high-contrast"])).toBe("high-contrast-light");
    expect(themeKind(["vscode-high-contrast"])).toBe("high-contrast");
    expect(themeKind([])).toBe("dark");
  });
});

describe("a chart in words", () => {
  it("says value, step, direction and what is missing", () => {
    const columns = columnsOf([2, 1.5, Number.NaN, 1]);
    expect(describeChart("loss", columns, NO_ANNOTATIONS)).toBe("loss, 1 at step 4, down 1 in the last 3 steps, 1 value not finite");
    expect(describeChart("loss", undefined, NO_ANNOTATIONS)).toBe("loss, no points yet");
  });

  it("exports every digit", () => {
    expect(toCsv('a,"b"', [columnsOf([0.1 + 0.2])], null).join("")).toBe(
      'step,time,attempt,"a,""b"""\n1,1970-01-01T00:00:00.000Z,1,0.30000000000000004\n',
    );
  });
});

it("frames.json is what build-frames.mjs makes of the Vega-Lite specs", () => {
  expect(frames).toEqual(JSON.parse(JSON.stringify(compileFrames())));
});
