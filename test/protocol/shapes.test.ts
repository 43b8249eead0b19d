/** Small codecs of protocol/: identifiers, numbers that JSON has no word for, frames, state changes, paths, errors. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillPath } from "../../protocol/client.ts";
import { ApiError, ErrorCode, HTTP_STATUS, TrainyardError } from "../../protocol/errors.ts";
import { decodeFrame, encodeFrame, type SeriesFrameHeader } from "../../protocol/frames.ts";
import { newRunId, RunId, Slug } from "../../protocol/ids.ts";
import { WireNumber } from "../../protocol/json.ts";
import { fromWireNumber, toWireNumber } from "../../protocol/wire-number.ts";
import { canTransition, RunState, TRANSITIONS } from "../../protocol/states.ts";
import { FINAL_STATES, LIVE_STATES } from "../../protocol/state-kinds.ts";

describe("identifiers", () => {
  it("are valid and sort by their time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 43 }), fc.integer({ min: 1, max: 2 ** 40 }), (time, later) => {
        const [first, second] = [newRunId(time), newRunId(time + later)];
        expect(RunId.safeParse(first).success).toBe(true);
        expect(first.slice(0, 13) < second.slice(0, 13)).toBe(true);
      }),
    );
  });

  it.each(["", ".hidden", "a/b", "a\\b", "../up", "a b", "x".repeat(81)])("refuse %j as a folder name", (name) => {
    expect(Slug.safeParse(name).success).toBe(false);
  });
});

describe("wire numbers", () => {
  it("carry every float64 through JSON", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const back = fromWireNumber(WireNumber.parse(JSON.parse(JSON.stringify(toWireNumber(value)))));
        // JSON has no negative zero.
        expect(Object.is(back, value) || (back === 0 && value === 0)).toBe(true);
      }),
    );
  });
});

describe("frames", () => {
  it("give back header and body, the body at a multiple of 8", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }), (body, series) => {
        const header: SeriesFrameHeader = {
          type: "series",
          id: 1,
          run: newRunId(0),
          series,
          downsampled: series.map(() => false),
          cursor: { "1": 3 },
          reset: false,
        };
        const frame = encodeFrame(header, body);
        const decoded = decodeFrame(frame);
        expect(decoded.header).toEqual(header);
        expect([...decoded.body]).toEqual([...body]);
        expect((frame.length - body.length) % 8).toBe(0);
      }),
    );
  });

  it.each([new Uint8Array(2), new Uint8Array([255, 255, 255, 255, 1])])("refuse what is cut short", (frame) => {
    expect(() => decodeFrame(frame)).toThrow(RangeError);
  });
});

describe("states", () => {
  it("lead from every live state to every end, and from an end to nothing but a new attempt", () => {
    for (const state of LIVE_STATES) for (const end of FINAL_STATES) expect(canTransition(state, end)).toBe(true);
    for (const end of FINAL_STATES) expect([...TRANSITIONS[end]].sort()).toEqual(["queued", "starting"]);
    for (const state of RunState.options) expect(canTransition(state, state)).toBe(false);
  });
});

describe("paths and errors", () => {
  it("fill in parameters so that they stay one segment", () => {
    expect(fillPath("/api/runs/:id/x", { id: "a/../b c" })).toBe("/api/runs/a%2F..%2Fb%20c/x");
    expect(() => fillPath("/api/runs/:id", {})).toThrow(TypeError);
  });

  it("travel with everything that a reader needs", () => {
    for (const code of ErrorCode.options) {
      const error = new TrainyardError(code, "what happened", "what to do", [
        { severity: "error", field: "params.lr", message: "too high", hint: null },
      ]);
      const back = TrainyardError.fromApi(ApiError.parse(JSON.parse(JSON.stringify(error.toApi()))));
      expect(back.toApi()).toEqual(error.toApi());
      expect(HTTP_STATUS[code]).toBeGreaterThanOrEqual(400);
    }
  });
});
