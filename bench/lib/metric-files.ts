/** Metric files as a training writes them, for benchmarks that read them. */
import { open } from "node:fs/promises";
import { fileHeader, rowRecord, setRecord } from "../../protocol/metric-records.ts";

/** @param valuesOf one value per name for each row; row i is step i, 33 to 42 ms after the one before, as no clock is regular */
export async function writeMetricFile(
  file: string,
  names: readonly string[],
  rows: number,
  valuesOf: (row: number) => ArrayLike<number>,
): Promise<void> {
  const handle = await open(file, "w");
  try {
    let parts = [fileHeader(), setRecord(0, names)];
    for (let row = 0; row < rows; row++) {
      parts.push(rowRecord(0, 1.7e12 + row * 37.5 + ((row * 7919) % 89) / 20, row, Array.from(valuesOf(row))));
      if (parts.length < 8192 && row < rows - 1) continue;
      await handle.appendFile(Buffer.concat(parts));
      parts = [];
    }
  } finally {
    await handle.close();
  }
}
