/** The rows of the table near what is in view: what is held, what comes again, what stays where it stands. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { newRunId, type RunId } from "../../protocol/ids.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { MOST_PAGES, PAGE } from "../../webviews/explore/row-pages.ts";
import { RowWindow } from "../../webviews/explore/row-window.ts";
import type { Row } from "../../webviews/explore/scope.ts";

/** A catalogue in its order, whose runs change as a test says. */
class Catalogue {
  readonly order: RunId[];
  readonly values = new Map<RunId, number>();
  /** Rows that were asked for. */
  asked = 0;
  away = false;

  constructor(count: number) {
    this.order = Array.from({ length: count }, (_, n) => newRunId(n));
  }

  row(id: RunId): Row {
    return { id, values: { "metrics.loss": this.values.get(id) ?? 0 }, gone: false };
  }

  open(onChange: () => void = () => undefined): RowWindow {
    const answer = (ids: readonly RunId[]): Row[] => {
      if (this.away) throw new TrainyardError("unavailable", "the server is away");
      this.asked += ids.length;
      return ids.map((id) => this.row(id));
    };
    const questions = {
      from: async (offset: number, limit: number) => {
        await Promise.resolve();
        return { rows: answer(this.order.slice(offset, offset + limit)), total: this.order.length };
      },
      of: async (ids: readonly RunId[]) => {
        await Promise.resolve();
        const there = new Set(this.order);
        return answer(ids.filter((id) => there.has(id)));
      },
    };
    return new RowWindow(questions, ["metrics.loss"], onChange);
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const screen = (first: number, lines = 40) => Array.from({ length: lines }, (_, i) => first + i);
const shown = (rows: RowWindow, places: readonly number[]) => places.map((place) => rows.row(place)?.id);

describe("rows", () => {
  it("are held of the pages that were in view last, however many there are", async () => {
    const catalogue = new Catalogue(100_000);
    const rows = catalogue.open();
    await rows.begin(0);
    for (let first = 0; first + 40 <= 100_000; first += 500) {
      rows.need(screen(first));
      await settle();
      expect(shown(rows, screen(first))).toEqual(catalogue.order.slice(first, first + 40));
    }
    const held = catalogue.order.filter((_, place) => rows.row(place) !== undefined).length;
    expect(held).toBe(MOST_PAGES * PAGE);
  });

  it("stand where they stood when they are looked at again, whatever came and went", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ go: fc.nat(4_950) }),
            fc.record({ add: fc.nat(5_000), count: fc.integer({ min: 1, max: 30 }) }),
            fc.record({ remove: fc.nat(4_900), count: fc.integer({ min: 1, max: 30 }) }),
          ),
          { minLength: 20, maxLength: 60 },
        ),
        async (steps) => {
          const catalogue = new Catalogue(5_000);
          const rows = catalogue.open();
          await rows.begin(0);
          const seen = new Map<number, RunId>();
          for (const step of steps) {
            if ("add" in step) catalogue.order.splice(step.add, 0, ...Array.from({ length: step.count }, (_, n) => newRunId(9_000 + n)));
            else if ("remove" in step) catalogue.order.splice(step.remove, step.count);
            else {
              rows.need(screen(step.go));
              await settle();
              for (const place of screen(step.go)) {
                const row = rows.row(place);
                if (row === undefined) continue;
                expect(seen.get(place) ?? row.id).toBe(row.id);
                seen.set(place, row.id);
                expect(row.gone).toBe(row.gone && !catalogue.order.includes(row.id));
              }
            }
          }
          expect(new Set(seen.values()).size).toBe(seen.size);
          const held = screen(0, 5_000).filter((place) => rows.row(place) !== undefined).length;
          expect(held).toBeLessThanOrEqual(MOST_PAGES * PAGE);
        },
      ),
      { numRuns: 30 },
    ));

  it("fill a page with those that stand nowhere yet when others came above", async () => {
    const catalogue = new Catalogue(1_000);
    const rows = catalogue.open();
    await rows.begin(0);
    const before = [...catalogue.order];
    catalogue.order.unshift(newRunId(5_000), newRunId(5_001));
    rows.need(screen(80));
    await settle();
    expect(shown(rows, screen(80))).toEqual(before.slice(80, 120));
  });

  it("come fresh when they come again, and say that they are gone", async () => {
    const catalogue = new Catalogue(10_000);
    const [first = "", second = ""] = catalogue.order;
    const rows = catalogue.open();
    await rows.begin(0);
    for (let far = 1_000; far < 8_000; far += 100) {
      rows.need(screen(far));
      await settle();
    }
    expect(rows.row(0)).toBeUndefined();
    catalogue.values.set(first, 7);
    rows.mark(first);
    catalogue.order.splice(1, 1);
    rows.need(screen(0));
    await settle();
    expect(rows.row(0)?.values["metrics.loss"]).toBe(7);
    expect(rows.row(1)).toMatchObject({ id: second, gone: true });
    expect([rows.row(2)?.id, rows.stale]).toEqual([catalogue.order[1], []]);
  });

  it("are had from far away without being held, for a selection that reaches there", async () => {
    const catalogue = new Catalogue(50_000);
    const rows = catalogue.open();
    await rows.begin(0);
    const places = screen(90, 9_000);
    expect((await rows.rowsAt(places)).map(({ id }) => id)).toEqual(catalogue.order.slice(90, 9_090));
    expect([rows.row(99)?.id, rows.row(100)]).toEqual([catalogue.order[99], undefined]);
  });

  it("are asked for again a while after the server was away, and not before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const catalogue = new Catalogue(1_000);
      let changes = 0;
      const rows = catalogue.open(() => {
        changes++;
        rows.need(screen(500));
      });
      await rows.begin(0);
      catalogue.away = true;
      rows.need(screen(500));
      await settle();
      await settle();
      expect(changes).toBe(1);
      catalogue.away = false;
      vi.advanceTimersByTime(1_000);
      await settle();
      expect(shown(rows, screen(500))).toEqual(catalogue.order.slice(500, 540));
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("selected rows", () => {
  it("stay up to date far from what is in view", async () => {
    const catalogue = new Catalogue(10_000);
    const [chosen = ""] = catalogue.order;
    const rows = catalogue.open();
    await rows.begin(0);
    rows.keepRows(new Map([[chosen, catalogue.row(chosen)]]));
    for (let far = 1_000; far < 8_000; far += 100) {
      rows.need(screen(far));
      await settle();
    }
    catalogue.values.set(chosen, 3);
    rows.mark(chosen);
    rows.mark(catalogue.order[1] ?? "");
    expect(rows.stale).toEqual([chosen]);
    await rows.renew();
    expect(rows.rowOfRun(chosen)?.values["metrics.loss"]).toBe(3);
    catalogue.away = true;
    rows.markAll();
    await expect(rows.renew()).rejects.toThrow("away");
    expect(rows.stale).toContain(chosen);
    catalogue.away = false;
    expect((await rows.rowsOf(catalogue.order.slice(0, 400))).map(({ id }) => id)).toEqual(catalogue.order.slice(0, 400));
  });

  it("say when a value that they are sorted by has changed", async () => {
    const catalogue = new Catalogue(200);
    const [first = ""] = catalogue.order;
    const rows = catalogue.open();
    await rows.begin(0);
    rows.need(screen(0));
    rows.mark(first);
    await rows.renew();
    expect(rows.disordered).toBe(false);
    catalogue.values.set(first, 1);
    rows.mark(first);
    await rows.renew();
    expect(rows.disordered).toBe(true);
  });
});
