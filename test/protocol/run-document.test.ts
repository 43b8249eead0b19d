/** Edits of run documents: what was meant changes, and nothing else does. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { parseYaml, readRunDocument } from "../../protocol/run-document/read.ts";

function set(text: string, field: string, value?: JsonValue): string {
  return applySpecEdits(text, [{ path: field.split("."), ...(value === undefined ? {} : { value }) }]);
}

function values(text: string): unknown {
  return parseYaml(text).toJS();
}

const DOCUMENT = `# What this is for
recipe: hf-lora        # the adapter
name: "first try"

params:
  # found by hand
  learning_rate: 2.0e-4   # was 1e-3
  train_file: data/rows.jsonl
  target_modules:
    - q_proj   # attention
    # the keys do not matter much
    - v_proj
  training_arguments: { seed: 7, ddp_timeout: 60 }
  epochs: 3
my_notes: {reviewed: yes}   # nobody knows this key
tags: [a, b]
`;

describe("an edit", () => {
  it("changes one line", () => {
    const after = set(DOCUMENT, "params.learning_rate", 0.00005);
    expect(after).toBe(DOCUMENT.replace("2.0e-4 ", "5.0e-5 "));
    expect(set(DOCUMENT, "name", "second: try")).toBe(DOCUMENT.replace('"first try"', '"second: try"'));
    expect(set(DOCUMENT, "tags", ["a", "c"])).toBe(DOCUMENT.replace("[a, b]", "[ a, c ]"));
  });

  it("that says what is there already changes nothing", () => {
    expect(set(DOCUMENT, "params.learning_rate", 0.0002)).toBe(DOCUMENT);
    expect(set(DOCUMENT, "params.seed")).toBe(DOCUMENT);
  });

  it("puts a new field below the last one, and a new key in its usual place", () => {
    expect(set(DOCUMENT, "params.packing", true)).toBe(DOCUMENT.replace("  epochs: 3\n", "  epochs: 3\n  packing: true\n"));
    expect(set(DOCUMENT, "preset", "medium")).toBe(DOCUMENT.replace("# the adapter\n", "# the adapter\npreset: medium\n"));
  });

  it("takes a field out and leaves every comment", () => {
    expect(set(DOCUMENT, "params.epochs")).toBe(DOCUMENT.replace("  epochs: 3\n", ""));
    expect(set(DOCUMENT, "params.learning_rate")).toBe(DOCUMENT.replace("  learning_rate: 2.0e-4   # was 1e-3\n", "  # was 1e-3\n"));
  });

  it("changes the items of a list one by one", () => {
    const items = "    - q_proj   # attention\n    # the keys do not matter much\n    - v_proj\n";
    expect(set(DOCUMENT, "params.target_modules", ["q_proj", "k_proj", "v_proj"])).toBe(
      DOCUMENT.replace(items, items.replace("attention\n", "attention\n    - k_proj\n")),
    );
    expect(set(DOCUMENT, "params.target_modules", ["q_proj"])).toBe(DOCUMENT.replace("    - v_proj\n", ""));
    expect(set(DOCUMENT, "params.target_modules", ["o_proj", "v_proj"])).toBe(DOCUMENT.replace("q_proj ", "o_proj "));
  });

  it("makes a document of an empty one, and of one that holds comments alone", () => {
    expect(applySpecEdits("", [{ path: ["recipe"], value: "command" }])).toBe("recipe: command\n");
    expect(set("# to do\n", "params.epochs", 2)).toBe("# to do\nparams:\n  epochs: 2\n");
    for (const empty of ["params:\n", "params: {}\n", "params: # none yet\n", "params: {} # none yet"]) {
      const after = set(`recipe: x\n${empty}`, "params.epochs", 2);
      expect(values(after)).toEqual({ recipe: "x", params: { epochs: 2 } });
      expect(after.includes("# none yet")).toBe(empty.includes("#"));
    }
  });

  it("leaves an empty mapping behind when the last field goes", () => {
    const after = set("recipe: x # why\nparams:\n  a: 1\n", "params.a");
    expect(values(after)).toEqual({ recipe: "x", params: {} });
    expect(after).toContain("# why");
  });

  it("keeps Windows line breaks", () => {
    const text = "recipe: x\r\nparams:\r\n  a: 1 # one\r\n";
    expect(set(text, "params.a", 2)).toBe("recipe: x\r\nparams:\r\n  a: 2 # one\r\n");
    expect(set(text, "params.b", 2)).toBe("recipe: x\r\nparams:\r\n  a: 1 # one\r\n  b: 2\r\n");
    expect(set(text, "params.b", "two\nlines\n")).not.toMatch(/[^\r]\n/);
  });

  it.each([
    ["a value", "{recipe: x, params: {lr: 1, b: [1, 2]}} # end\n", "params.lr", 2, "{recipe: x, params: {lr: 2, b: [1, 2]}} # end\n"],
    ["a text with commas", "params: {a: x}\n", "params.a", "b, {c}", 'params: {a: "b, {c}"}\n'],
    ["on its line", "params: {\n  lr: 1, # rate\n  b: 2, # bee\n}\n", "params.b", 5, "params: {\n  lr: 1, # rate\n  b: 5, # bee\n}\n"],
    ["a new field", "params: {\n  b: 2 # bee\n}\n", "params.c", 5, "params: {\n  b: 2, # bee\n  c: 5\n}\n"],
    ["one that goes", "params: {\n  lr: 1, # rate\n  b: 2,\n}\n", "params.lr", undefined, "params: {\n  # rate\n  b: 2,\n}\n"],
  ])("leaves braces as they are: %s", (_, text, field, value, wanted) => {
    expect(set(text, field, value)).toBe(wanted);
  });

  it("keeps JSON what it is", () => {
    let text = `${JSON.stringify({ recipe: "x", params: { lr: 1 } }, null, 2)}\n`;
    const edits: readonly (readonly [string, JsonValue])[] = [
      ["params.name", "a"],
      ["params.lr", "no"],
      ["params.sizes", [1, 2]],
      ["name", "n"],
    ];
    for (const [field, value] of edits) text = set(text, field, value);
    expect(JSON.parse(text)).toEqual({ recipe: "x", params: { lr: "no", name: "a", sizes: [1, 2] }, name: "n" });
    expect(text.split("\n")).toHaveLength(10);
    expect(JSON.parse(set(text, "params.lr"))).toEqual({ recipe: "x", params: { name: "a", sizes: [1, 2] }, name: "n" });
  });

  it.each([
    ["an anchor in itself", "recipe: x\nparams: &p\n  a: *p\n", /an anchor stands in what it names/],
    [
      "aliases without end",
      `${Array.from("abcdefg")
        .map((name, at) => `${name}: &${name} [${(at === 0 ? "x," : `*${"abcdefg".charAt(at - 1)},`).repeat(9)}]\n`)
        .join("")}recipe: x\n`,
      /alias/,
    ],
  ])("of %s is refused, and it is said", (_, text, said) => {
    expect(() => set(text, "name", "n")).toThrow(TrainyardError);
    expect(readRunDocument(text).values).toBeNull();
    expect(readRunDocument(text).problems[0]?.problem.message).toMatch(said);
  });

  it("writes text of several lines as such", () => {
    const after = set("recipe: x\nparams:\n  a: 1\n", "params.prompt", "You are\n\nkind.\n");
    expect(after).toContain("  prompt: |\n    You are\n\n    kind.\n");
    expect(values(set(after, "params.prompt", "one line"))).toEqual({ recipe: "x", params: { a: 1, prompt: "one line" } });
  });

  it("leaves anchors true", () => {
    const text = "recipe: x\ndefaults: &base # shared\n  lr: &lr 1\n  wd: 0.1\nparams:\n  <<: *base\n  peak: *lr\n  a: 1\n";
    expect(values(set(text, "params.lr", 3))).toMatchObject({ defaults: { lr: 1 }, params: { lr: 3, wd: 0.1, peak: 1 } });
    expect(values(set(text, "params.peak", 3))).toMatchObject({ defaults: { lr: 1 }, params: { peak: 3 } });
    // The value moves to where it is still used.
    expect(values(set(text, "defaults.lr"))).toMatchObject({ defaults: { wd: 0.1 }, params: { peak: 1 } });
    const aliased = "recipe: x\nshared: &p { a: 1 } # both\nparams: *p\n";
    expect(values(set(aliased, "params.b", 2))).toEqual({ recipe: "x", shared: { a: 1 }, params: { a: 1, b: 2 } });
    expect(set(aliased, "params.b", 2)).toContain("# both");
  });

  it("refuses a text that is not YAML", () => {
    expect(() => set("recipe: [x", "name", "a")).toThrow(/cannot be edited/);
    expect(() => set("- a\n- b\n", "name", "a")).toThrow(/not a mapping/);
  });
});

const word = fc.stringMatching(/^[a-z_]{1,8}$/);
const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x)),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.constantFrom("yes", "1e-4", "# no comment", "a: b", "*x", "&y", "- z", "two\nlines", " spaces ", "", "~", "0x1f"),
);
const value = fc.oneof({ weight: 5, arbitrary: scalar }, fc.array(scalar, { maxLength: 4 }), fc.dictionary(word, scalar, { maxKeys: 3 }));

/** A document as a person would write one: comments everywhere, anchors, keys that nobody knows. */
const written = fc
  .record({
    params: fc.dictionary(word, value, { minKeys: 0, maxKeys: 6 }),
    unknown: fc.dictionary(
      word.map((key) => `x-${key}`),
      value,
      { maxKeys: 2 },
    ),
    flow: fc.boolean(),
    indent: fc.constantFrom(2, 4),
    crlf: fc.boolean(),
    comments: fc.array(fc.constantFrom("own", "end", "none"), { minLength: 40, maxLength: 40 }),
  })
  .map(({ params, unknown, flow, indent, crlf, comments }) => {
    const style = { indent, lineWidth: 0 };
    const inner = flow ? `params: ${stringify(params, { ...style, collectionStyle: "flow" })}` : stringify({ params }, style);
    const source = `recipe: hf-lora\nbase: &anchor 0.5\n${inner}${Object.keys(unknown).length === 0 ? "" : stringify(unknown, style)}again: *anchor\n`;
    const tags: string[] = [];
    const lines = source.split("\n").flatMap((line, index) => {
      const kind = comments[index] ?? "none";
      // Inside of text of several lines, # is text.
      if (kind === "none" || line === "" || /[|>]/.test(source)) return [line];
      const tag = `# note ${String(index)}.`;
      const marked = kind === "own" ? `${/^ */.exec(line)?.[0] ?? ""}${tag}\n${line}` : `${line}   ${tag}`;
      const tried = parseYaml([...source.split("\n").slice(0, index), marked, ...source.split("\n").slice(index + 1)].join("\n"));
      if (tried.errors.length > 0 || JSON.stringify(tried.toJS()) !== JSON.stringify(values(source))) return [line];
      tags.push(tag);
      return [marked];
    });
    const text = lines.join("\n");
    return { text: crlf ? text.replaceAll("\n", "\r\n") : text, tags, keys: Object.keys(params) };
  });

const edit = fc.record({ key: fc.oneof(word, fc.nat(5)), value: fc.option(value, { nil: undefined }), top: fc.boolean() });

describe("edits at random", () => {
  it("do what they say, and keep comments, anchors and unknown keys", () => {
    fc.assert(
      fc.property(written, fc.array(edit, { minLength: 1, maxLength: 6 }), ({ text, tags, keys }, edits) => {
        let now = text;
        let wanted = values(text) as JsonObject & { params: JsonObject };
        for (const each of edits) {
          const key = typeof each.key === "string" ? each.key : (keys[each.key] ?? "fresh");
          const path = each.top ? ["name"] : ["params", key];
          const change: SpecEdit = { path, ...(each.value === undefined ? {} : { value: each.value }) };
          now = applySpecEdits(now, [change]);
          wanted = expected(wanted, path, each.value);
          expect(values(now)).toEqual(wanted);
        }
        for (const tag of tags) expect(now).toContain(tag);
        expect(now).toMatch(/&anchor/);
        expect(now).toMatch(/\*anchor/);
        // The same edits again find nothing to do.
        const last = edits.at(-1);
        if (last?.top === false && typeof last.key === "string") expect(set(now, `params.${last.key}`, last.value)).toBe(now);
      }),
      { numRuns: 300 },
    );
  });
});

function expected(before: JsonObject & { params: JsonObject }, path: readonly string[], to: JsonValue | undefined): typeof before {
  const after = structuredClone(before);
  const holder = path.length === 1 ? after : after.params;
  const key = path.at(-1) ?? "";
  if (to === undefined) Reflect.deleteProperty(holder, key);
  else Object.defineProperty(holder, key, { value: to, enumerable: true, configurable: true, writable: true });
  return after;
}

describe("reading", () => {
  it("places what is wrong", () => {
    const broken = readRunDocument("recipe: x\nparams: [1\nname: a\n");
    expect(broken.spec).toBeNull();
    expect(broken.problems[0]?.range?.[0]).toBeGreaterThan(9);
    const text = "recipe: x\nparms: {}\ntags: [a, 3]\n";
    const read = readRunDocument(text);
    const marked = read.problems.map(({ problem, range }) => [problem.field, range === null ? null : text.slice(...range)]);
    expect(marked).toEqual(
      expect.arrayContaining([
        ["parms", "parms"],
        ["tags.1", "3"],
      ]),
    );
    expect(read.values).toMatchObject({ recipe: "x" });
    expect(readRunDocument("recipe: x\nx-mine: &a 1\nseed: *a\n").spec).toMatchObject({ recipe: "x", seed: 1 });
    expect(readRunDocument("- a\n").problems[0]?.problem.message).toContain("mapping");
    expect(readRunDocument("a: &x [*x]\nrecipe: b\n").spec).toBeNull();
  });
});
