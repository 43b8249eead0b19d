/** The checks by hand say the same as the schemas of protocol/. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Discovery } from "../../protocol/discovery.ts";
import { TrainyardError as TrainyardErrorOfShapes } from "../../protocol/errors.ts";
import { Instant } from "../../protocol/json.ts";
import { ProcessIdentity } from "../../protocol/run.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { isInstant, isProcessIdentity } from "../../server/discovery/checks.ts";
import { isDiscovery } from "../../server/discovery/discovery.ts";

const RECORD: Discovery = {
  protocol: 1,
  url: "http://127.0.0.1:12345",
  token: "t".repeat(43),
  process: { pid: 7, start_time: "123", boot_id: "b" },
  store: "/store",
  version: "1.0.0",
  started_at: "2026-01-31T12:00:00.123Z",
};
const ODD = [undefined, null, "", "x", "http://h", 0, 1, 1.5, -1, NaN, true, [], {}, RECORD.process, { ...RECORD.process, pid: 0 }];

describe("the hand-written check of a discovery record", () => {
  it("agrees with the schema, whichever field is replaced or missing", () => {
    expect(isDiscovery(RECORD)).toBe(true);
    for (const field of Object.keys(RECORD)) {
      for (const value of ODD) {
        const record: unknown = JSON.parse(JSON.stringify({ ...RECORD, [field]: value }));
        expect([field, value, isDiscovery(record)]).toEqual([field, value, Discovery.safeParse(record).success]);
      }
    }
    for (const value of ODD) expect(isDiscovery(value)).toBe(Discovery.safeParse(value).success);
  });

  it("accepts no process that the schema refuses, nor the other way round", () => {
    const field = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null));
    fc.assert(
      fc.property(fc.record({ pid: field, start_time: field, boot_id: field }, { requiredKeys: [] }), (value) => {
        expect(isProcessIdentity(value)).toBe(ProcessIdentity.safeParse(value).success);
      }),
      { examples: [[{ pid: 2 ** 60, start_time: "1", boot_id: "b" }]] },
    );
  });

  it("takes the instants that are written, and no text that is none", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
        expect([isInstant(date.toISOString()), Instant.safeParse(date.toISOString()).success]).toEqual([true, true]);
      }),
    );
    for (const text of ["", "now", "2026-01-31", "2026-13-31T12:00:00Z", "2026-01-31T12:00:00", "12:00:00Z"]) {
      expect([text, isInstant(text), Instant.safeParse(text).success]).toEqual([text, false, false]);
    }
  });
});

describe("TrainyardError", () => {
  it("is one class by instanceof, whichever bundle threw it", () => {
    // What another bundle's copy of the class looks like from here.
    const BRAND = Symbol.for("trainyard.error");
    class Copy extends Error {
      readonly [BRAND] = true;
    }
    expect(new Copy()).toBeInstanceOf(TrainyardError);
    expect(new TrainyardErrorOfShapes("internal", "x")).toBeInstanceOf(TrainyardError);
    expect(new Error("x")).not.toBeInstanceOf(TrainyardError);
    expect([null, undefined, "x"].map((value: unknown) => value instanceof TrainyardError)).toEqual([false, false, false]);
  });
});
