/**
 * test/vectors/query-language.json: what filters choose and where errors lie, for every implementation of the query language (this one and the
 * Python SDK's). `UPDATE_VECTORS=1 npx vitest run test/catalog/query-vectors.test.ts` writes what this one says; look at the difference.
 */
import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import * as z from "zod";
import { TrainyardError } from "../../protocol/errors.ts";
import { fieldsOf } from "../../protocol/expression/ast.ts";
import { compilePredicate, compileValue, type Value } from "../../protocol/expression/evaluate.ts";
import { parseFilter, parseValue } from "../../protocol/expression/parse.ts";
import { fromWireNumber, toWireNumber } from "../../protocol/wire-number.ts";

const FILE = "test/vectors/query-language.json";
/** A number is an object, so that NaN and infinities are no texts. */
const Cell = z.union([z.string(), z.boolean(), z.object({ number: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]) })]);
type Cell = z.infer<typeof Cell>;
const Place = z.object({ start: z.number(), end: z.number() });
const Vectors = z.object({
  rows: z.array(z.record(z.string(), z.union([Cell, z.array(Cell)]))),
  filters: z.array(z.object({ text: z.string(), rows: z.array(z.number()).optional(), error: Place.optional() })),
  values: z.array(
    z.object({ text: z.string(), rows: z.array(z.union([Cell, z.null(), z.array(Cell)])).optional(), error: Place.optional() }),
  ),
});

const fromCell = (cell: Cell): string | number | boolean => (typeof cell === "object" ? fromWireNumber(cell.number) : cell);
const toCell = (value: string | number | boolean): Cell => (typeof value === "number" ? { number: toWireNumber(value) } : value);

function placeOf(error: unknown): z.infer<typeof Place> {
  const span = error instanceof TrainyardError ? error.problems[0]?.span : undefined;
  if (span === undefined) throw error;
  return { start: span.start, end: span.end };
}

it("filters and values give what the shared vectors say", async () => {
  const vectors = Vectors.parse(JSON.parse(await readFile(FILE, "utf8")));
  const rows = vectors.rows.map(
    (row) =>
      new Map<string, Value>(
        Object.entries(row).map(([field, value]) => [field, Array.isArray(value) ? value.map(fromCell) : fromCell(value)]),
      ),
  );
  const read = (field: string) => (row: number) => rows[row]?.get(field);
  const after = {
    ...vectors,
    filters: vectors.filters.map(({ text }) => {
      try {
        const passes = compilePredicate(parseFilter(text), read);
        return { text, rows: [...rows.keys()].filter(passes) };
      } catch (error) {
        return { text, error: placeOf(error) };
      }
    }),
    values: vectors.values.map(({ text }) => {
      try {
        const expression = parseValue(text);
        expect(fieldsOf(expression).every((field) => field.includes("."))).toBe(true);
        const value = compileValue(expression, read);
        const cells = [...rows.keys()].map((row) => {
          const found = value(row);
          return found === undefined ? null : typeof found === "object" ? found.map(toCell) : toCell(found);
        });
        return { text, rows: cells };
      } catch (error) {
        return { text, error: placeOf(error) };
      }
    }),
  };
  if (process.env["UPDATE_VECTORS"] === "1") await writeFile(FILE, JSON.stringify(after) + "\n");
  // JSON has no negative zero.
  else expect(JSON.parse(JSON.stringify(after))).toEqual(vectors);
});
