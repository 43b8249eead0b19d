/** Numbers of any kind to and from JSON; apart from the schema, so that the extension is activated without loading one. */
import type { WireNumber } from "./json.ts";

export function toWireNumber(value: number): WireNumber {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

export function fromWireNumber(value: WireNumber): number {
  return typeof value === "number" ? value : Number(value);
}
