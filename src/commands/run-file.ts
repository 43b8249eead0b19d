/** Reads a *.run.yaml document: the spec, or each problem with its place in the text. Pure. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";
import type { Problem } from "../../protocol/errors.ts";
import { RunSpec } from "../../protocol/spec.ts";

/** Half-open range of characters. */
export type TextRange = readonly [number, number];

export type RunFile =
  | { readonly ok: true; readonly spec: RunSpec; readonly locate: (field: string) => TextRange | null }
  | { readonly ok: false; readonly problems: { readonly problem: Problem; readonly range: TextRange | null }[] };

export function readRunFile(source: string): RunFile {
  const document = parseDocument(source, { lineCounter: new LineCounter(), prettyErrors: true });
  const broken = document.errors.map((error) => ({
    problem: { severity: "error", field: "", message: error.message.split("\n")[0] ?? error.message, hint: null } satisfies Problem,
    range: error.pos,
  }));
  if (broken.length > 0) return { ok: false, problems: broken };
  const locate = (field: string): TextRange | null => rangeOf(document, field);
  const parsed = RunSpec.safeParse(document.toJS());
  if (parsed.success) return { ok: true, spec: parsed.data, locate };
  return {
    ok: false,
    problems: parsed.error.issues.flatMap((issue) => {
      // An unknown key is marked at the key itself, not at the map that holds it.
      const fields = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      return fields.map((path) => {
        const field = path.map(String).join(".");
        const message = issue.code === "unrecognized_keys" ? `${field} is not a field of a run file` : issue.message;
        return { problem: { severity: "error", field, message, hint: null } satisfies Problem, range: locate(field) };
      });
    }),
  };
}

/** The text of the deepest part of the dotted path that is there. */
function rangeOf(document: Document.Parsed, field: string): TextRange | null {
  let node: unknown = document.contents;
  let found: TextRange | null = null;
  for (const key of field.split(".")) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined) break;
      found = textRange(pair.key as Node) ?? found;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      found = textRange(node as Node | undefined) ?? found;
    } else break;
  }
  return found;
}

function textRange(node: Node | undefined): TextRange | null {
  return node?.range == null ? null : [node.range[0], node.range[1]];
}
