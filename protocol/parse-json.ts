/** JSON from outside. What reads, compares and writes values behind it goes down into them by recursion, so their depth has a bound. */

/** Far more than a document, a record or a request ever needs, and far less than a stack holds. */
export const MAX_JSON_DEPTH = 200;

const PROTOTYPE = "__proto__";

/** @throws SyntaxError: no JSON, or arrays and objects stand in each other more than {@link MAX_JSON_DEPTH} deep */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isTooDeep(value)) throw new SyntaxError(`it is nested more than ${MAX_JSON_DEPTH} levels deep`);
  return value;
}

/** Walks level by level, not by recursion. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(holdsValues);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_JSON_DEPTH) return true;
    level = level.flatMap((each) => Object.values(each).filter(holdsValues));
  }
  return false;
}

/**
 * The first key `__proto__`, with its path: objects of JavaScript lose it on their way, and what was said under it.
 * @returns `derived.__proto__`, or null
 */
export function prototypeKey(value: unknown): string | null {
  let level = holdsValues(value) ? [{ path: "", value }] : [];
  while (level.length > 0) {
    const found = level.find((each) => Object.hasOwn(each.value, PROTOTYPE));
    if (found !== undefined) return `${found.path}${PROTOTYPE}`;
    level = level.flatMap(({ path, value: parent }) =>
      Object.entries(parent).flatMap(([key, inner]: [string, unknown]) =>
        holdsValues(inner) ? [{ path: `${path}${key}.`, value: inner }] : [],
      ),
    );
  }
  return null;
}

function holdsValues(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
