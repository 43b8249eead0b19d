import fc from "fast-check";
import { expect, it } from "vitest";
import type { SystemSample } from "../../protocol/system.ts";
import { thinSamples } from "../../server/devices/thin.ts";

const value = fc.option(fc.integer({ min: 0, max: 1000 }), { nil: null });
const gpu = fc.record({
  index: fc.constant(0),
  uuid: fc.constant(null),
  name: fc.constant("GPU"),
  utilization_percent: value,
  memory_used_bytes: value,
  memory_total_bytes: fc.constant(1000),
  temperature_celsius: value,
  power_watts: value,
  power_limit_watts: fc.constant(null),
});
const history = fc
  .array(
    fc.record({
      time: fc.integer({ min: 0, max: 1_000_000 }),
      cpu_percent: value,
      memory_used_bytes: value,
      memory_total_bytes: fc.constant(1000),
      disk_free_bytes: value,
      disk_total_bytes: fc.constant(1000),
      gpus: fc.tuple(gpu),
    }),
    { maxLength: 300 },
  )
  .map((samples): SystemSample[] => samples.sort((a, b) => a.time - b.time));

const known = (values: readonly (number | null | undefined)[]): number[] => values.filter((each) => typeof each === "number");

it("keeps the peaks, the order and the newest time, in no more samples than were asked for", () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 2, max: 100 }), (samples, most) => {
      const thin = thinSamples(samples, most);
      expect(thin.length).toBeLessThanOrEqual(Math.max(most, 0));
      expect(thin.at(-1)?.time).toBe(samples.at(-1)?.time);
      expect(thin.map(({ time }) => time)).toEqual(thin.map(({ time }) => time).sort((a, b) => a - b));
      for (const read of [
        (sample: SystemSample) => sample.cpu_percent,
        (sample: SystemSample) => sample.memory_used_bytes,
        (sample: SystemSample) => sample.gpus[0]?.temperature_celsius,
        (sample: SystemSample) => sample.gpus[0]?.power_watts,
      ]) {
        const [before, after] = [known(samples.map(read)), known(thin.map(read))];
        expect(Math.max(...after)).toBe(Math.max(...before));
      }
      const free = (of: readonly SystemSample[]) => Math.min(...known(of.map((sample) => sample.disk_free_bytes)));
      expect(free(thin)).toBe(free(samples));
    }),
  );
});

it("leaves a gap a gap", () => {
  const at = (time: number): SystemSample => ({
    time,
    cpu_percent: 1,
    memory_used_bytes: 1,
    memory_total_bytes: 1,
    disk_free_bytes: 1,
    disk_total_bytes: 1,
    gpus: [],
  });
  const samples = [...Array.from({ length: 50 }, (_, i) => at(i)), ...Array.from({ length: 50 }, (_, i) => at(950 + i))];
  const times = thinSamples(samples, 20).map(({ time }) => time);
  expect(times.filter((time) => time > 49 && time < 950)).toEqual([]);
  expect(times.at(-1)).toBe(999);
});
