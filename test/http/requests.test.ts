/**
 * Requests made from the OpenAPI document that the server itself gives: every operation, nearly right and quite wrong, with the token, with
 * a wrong one and with none. TRAINYARD_TEST_REQUESTS says how many (docs/reliability.md).
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newRunId } from "../../protocol/ids.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { LiveServer } from "./live-server.ts";
import { valuesOf, type JsonSchema } from "./schema-values.ts";

const REQUESTS = Number(process.env["TRAINYARD_TEST_REQUESTS"] ?? "600");
/** With the token this one does what it says. */
const ENDS_THE_SERVER = "shutdown";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: "path" | "query"; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: JsonSchema } } };
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let live: LiveServer;
let run: RunFolder;
const damagedId = newRunId();

beforeAll(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "first", project: "alpha", tags: ["keep"] });
  await writeFile(run.paths.attempt(1).log, "one\ntwo\nthrée\n");
  await writeFile(path.join(run.paths.artifacts, "model.bin"), "0123456789");
  await writeFile(path.join(run.paths.checkpoints, "last.ckpt"), "torn");
  const damaged = path.join(live.store, "alpha", "runs", damagedId);
  await mkdir(damaged, { recursive: true });
  await writeFile(path.join(damaged, "run.json"), "{ torn");
  await live.start();
});
afterAll(() => live.remove());

/** A path segment or a query as a client would write it; what cannot be written in UTF-8 is left out. */
function encoded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return encodeURIComponent(Buffer.from(text).toString());
}

function queryText(values: Record<string, unknown>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

it(
  `answers ${REQUESTS} generated requests without a 5xx, without an end, and none of them without the token`,
  async () => {
    const document = (await (await live.fetch("/api/openapi.json")).json()) as OpenApi;
    const texts = [
      run.record.id,
      damagedId,
      newRunId(),
      "alpha",
      "last.ckpt",
      "model.bin",
      "metrics.loss",
      "record.state == 'failed'",
      "loss",
      "script",
      "command",
      "..",
      "%2e%2e%2f",
      "\u0000",
      "a\nb",
      "<img src=x onerror=alert(1)>",
      "/etc/passwd",
      "-1",
      "1",
      "1e400",
      "*",
    ];
    const operations = Object.entries(document.paths).flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ template, method: method.toUpperCase(), operation })),
    );
    expect(operations.length).toBeGreaterThan(40);
    const counts = new Map<string, { asked: number; answered: number; refused: number }>();
    const tokens = fc.oneof(
      { weight: 4, arbitrary: fc.constant<"right">("right") },
      { weight: 1, arbitrary: fc.constant<null>(null) },
      { weight: 1, arbitrary: fc.stringMatching(/^[\w-]{1,60}$/) },
    );
    const perOperation = Math.ceil(REQUESTS / operations.length);
    for (const { template, method, operation } of operations) {
      const of = (place: string): fc.Arbitrary<Record<string, unknown>> =>
        fc.record(
          Object.fromEntries(
            operation.parameters.filter((one) => one.in === place).map((one) => [one.name, valuesOf(document, one.schema, texts)]),
          ),
          place === "path" ? {} : { requiredKeys: [] },
        );
      const schema = operation.requestBody?.content["application/json"].schema;
      const body = fc.oneof(
        {
          weight: 8,
          arbitrary: (schema === undefined ? fc.constant(undefined) : valuesOf(document, schema, texts)).map((value) =>
            value === undefined ? undefined : JSON.stringify(value),
          ),
        },
        {
          weight: 1,
          arbitrary: fc.oneof(fc.string(), fc.json(), fc.constantFrom("", "{", "[".repeat(5000), '{"a":'.repeat(3000), "null")),
        },
      );
      const count = { asked: 0, answered: 0, refused: 0 };
      counts.set(operation.operationId, count);
      await fc.assert(
        fc.asyncProperty(of("path"), of("query"), body, tokens, async (params, query, content, token) => {
          const known = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(params[name]));
          const authorised = token === "right" && operation.operationId !== ENDS_THE_SERVER;
          if (operation.operationId === "deleteRun" && known.includes(run.record.id)) return;
          const response = await live.fetch(
            known + queryText(query),
            {
              method,
              ...(content !== undefined && method !== "GET" && { body: content, headers: { "content-type": "application/json" } }),
              signal: AbortSignal.timeout(60_000),
            },
            authorised ? live.server.token : token === "right" ? null : token,
          );
          await response.arrayBuffer();
          expect([operation.operationId, known, content, response.status < 500]).toEqual([operation.operationId, known, content, true]);
          const { pathname } = new URL(live.server.url + known);
          if (!authorised && /^\/api(\/|$)/.test(pathname)) {
            expect([operation.operationId, known, response.ok]).toEqual([operation.operationId, known, false]);
            count.refused++;
          }
          count.asked++;
          if (response.ok) count.answered++;
        }),
        { numRuns: perOperation, seed: 7, endOnFailure: true },
      );
    }
    // Every operation was asked, with the token and without; the server is the one it was, and nothing surprised it.
    for (const [name, count] of counts) expect([name, count.asked > 0, perOperation < 10 || count.refused > 0]).toEqual([name, true, true]);
    expect((await live.client.call("getServer")).pid).toBe(process.pid);
    expect(live.logged.filter((text) => text.includes("Error"))).toEqual([]);
    if (REQUESTS > 1000)
      console.log([...counts].map(([name, { asked, answered, refused }]) => `${name} ${asked} ${answered} ${refused}`).join("\n"));
  },
  120_000 + 30 * REQUESTS,
);
