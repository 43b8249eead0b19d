/** The tables in docs/api.md come from the code. `UPDATE_DOCS=1 npx vitest run test/http/api-doc.test.ts` writes them. */
import { readFile, writeFile } from "node:fs/promises";
import { format } from "prettier";
import { expect, it } from "vitest";
import { HTTP_STATUS } from "../../protocol/errors.ts";
import { routes } from "../../protocol/routes.ts";

const FILE = "docs/api.md";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const tables: Readonly<Record<string, string>> = {
  routes: table(
    ["route", "", "answer", "errors of its own"],
    Object.entries(routes).map(([name, route]) => [
      `\`${route.method} ${route.path}\``,
      `${route.summary} (\`${name}\`)`,
      `${route.status} ${route.produces === "arrow" ? "frame or json" : route.produces}`,
      route.errors.map((code) => `\`${code}\``).join(", "),
    ]),
  ),
  errors: table(
    ["code", "status"],
    Object.entries(HTTP_STATUS).map(([code, status]) => [`\`${code}\``, String(status)]),
  ),
};

it("docs/api.md lists the routes and errors that there are", async () => {
  const before = await readFile(FILE, "utf8");
  let after = before;
  for (const [name, content] of Object.entries(tables)) {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    expect(after).toContain(start);
    after = `${after.slice(0, after.indexOf(start) + start.length)}\n\n${content}\n\n${after.slice(after.indexOf(end))}`;
  }
  after = await format(after, { parser: "markdown", printWidth: 140 });
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(FILE, after);
  else expect(before).toBe(after);
});
