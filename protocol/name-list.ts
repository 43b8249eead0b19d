/** Names in one text, as in query strings and on the command line: parted by commas. Names come from training code and may hold anything. */

/** The names of `text`. A comma of a name is written `\,`, a backslash before a comma or another backslash `\\`. */
export function splitNames(text: string): string[] {
  const names: string[] = [];
  let name = "";
  for (const [part] of text.matchAll(/\\[\\,]|[^]/g)) {
    if (part === ",") {
      names.push(name);
      name = "";
    } else name += part.length === 2 && part.startsWith("\\") ? part.slice(1) : part;
  }
  return [...names, name].filter((each) => each !== "");
}

/** The text that {@link splitNames} reads as these names. */
export function joinNames(names: readonly string[]): string {
  return names.map((name) => name.replace(/[\\,]/g, "\\$&")).join(",");
}
