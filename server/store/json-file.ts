/** Reading JSON files of a run folder. A damaged file is reported, never rewritten. */
import type { z } from "zod";
import { parseJson } from "../../protocol/parse-json.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { isAbsent, outOfFiles } from "./fs-errors.ts";
import { openFile } from "./open-file.ts";

/** Far above anything the store writes; keeps a wrong file from filling the memory. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/**
 * @returns the document, or null when the file is not there
 * @throws TrainyardError corrupt_record: it cannot be read, does not parse, or has another shape
 */
export async function readJsonFile<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | null> {
  const text = await readTextFile(file);
  return text === null ? null : parseJsonText(text, schema, file);
}

/** The text of a file, null when it is not there. @throws TrainyardError corrupt_record */
export async function readTextFile(file: string): Promise<string | null> {
  try {
    const handle = await openFile(file);
    try {
      const { size } = await handle.stat();
      if (size > MAX_JSON_BYTES) throw corrupt(file, `has ${String(size)} bytes, far more than such a file can have`);
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    if (error instanceof TrainyardError) throw error;
    const shortage = outOfFiles(error);
    if (shortage !== null) throw shortage;
    throw corrupt(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** @throws TrainyardError corrupt_record */
export function parseJsonText<S extends z.ZodType>(text: string, schema: S, file: string): z.output<S> {
  const result = schema.safeParse(parseVersioned(text, file));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw corrupt(
    file,
    issue === undefined ? "has another shape" : `has a wrong field ${issue.path.join(".") || "(whole)"}: ${issue.message}`,
  );
}

/** The document of `text`, its shape unchecked. @throws TrainyardError corrupt_record: no JSON, or of a newer version */
export function parseVersioned(text: string, file: string): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const what = text.trim() === "" ? "is empty" : `is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw corrupt(file, what, error);
  }
  if (isNewer(value))
    throw corrupt(file, `has version ${String(value.version)}, made by a newer Trainyard`, undefined, "Update Trainyard to read it.");
  return value;
}

function isNewer(value: unknown): value is { version: number } {
  return typeof value === "object" && value !== null && "version" in value && typeof value.version === "number" && value.version > 1;
}

function corrupt(file: string, what: string, cause?: unknown, hint?: string): TrainyardError {
  return new TrainyardError(
    "corrupt_record",
    `${file} ${what}`,
    hint ?? "The file is left as it is: repair it by hand or move the run folder away, then refresh.",
    [],
    { cause },
  );
}
