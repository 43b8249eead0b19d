/** What a logged value may be, and how it becomes a float64 (python/trainyard/_values.py). */

const MAX_DEPTH = 8;

/** null when it is not one number. NaN and infinities are numbers; text is none, even when it reads like one. */
export function toFloat(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "bigint") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

export function isObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Map) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The numbers by their flat names, and how many values were none. */
export function numbersOf(metrics: object): { numbers: Map<string, number>; refused: number } {
  const numbers = new Map<string, number>();
  let refused = 0;
  const visit = (values: object, prefix: string, depth: number): void => {
    const entries: Iterable<readonly [unknown, unknown]> = values instanceof Map ? values : Object.entries(values);
    for (const [key, value] of entries) {
      const name = prefix + String(key);
      if (isObject(value) && depth < MAX_DEPTH) {
        visit(value, `${name}/`, depth + 1);
        continue;
      }
      const number = toFloat(value);
      if (number === null || name === "") refused++;
      else numbers.set(name, number);
    }
  };
  visit(metrics, "", 0);
  return { numbers, refused };
}
