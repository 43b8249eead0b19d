/** The OpenAPI document that a real server gives, as a validator of the specification reads it. The client that is made from it: live-server.ts. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiRefusal } from "../../protocol/generated/api-client.ts";
import { routes } from "../../protocol/routes.ts";
import { runProgram, type Finished } from "../support/processes.ts";
import { LiveServer } from "./live-server.ts";

const VALIDATOR = path.resolve("node_modules/@seriousme/openapi-schema-validator/bin/validate-api-cli.js");

let live: LiveServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ty-openapi-"));
  live = await LiveServer.folder();
  await live.addRun({ name: "known" });
  await live.start();
});
afterAll(async () => {
  await live.remove();
  await rm(folder, { recursive: true, force: true });
});

async function validated(document: unknown): Promise<Finished> {
  const file = path.join(folder, "openapi.json");
  await writeFile(file, JSON.stringify(document));
  return runProgram(process.execPath, [VALIDATOR, file]);
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { description: string }>>;
}
type Document = Record<string, unknown> & { readonly openapi: string; readonly paths: Record<string, Record<string, Operation>> };
const served = async (): Promise<Document> => (await live.api.getOpenApi()) as Document;

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const document = await served();
    expect(document.openapi).toBe("3.1.0");
    const { code, stdout, stderr } = await validated(document);
    expect([code, stdout + stderr]).toEqual([0, expect.any(String)]);
    // The validator would say otherwise.
    const broken = { ...document, paths: { "/api/server": { get: { responses: { 200: { content: {} } } } } } };
    expect((await validated(broken)).code).not.toBe(0);
  });

  it("has every route, with each of its errors", async () => {
    const operations = Object.values((await served()).paths).flatMap((methods) => Object.values(methods));
    expect(operations.map((operation) => operation.operationId).sort()).toEqual(Object.keys(routes).sort());
    for (const [name, { errors }] of Object.entries(routes)) {
      const told = Object.values(operations.find((one) => one.operationId === name)?.responses ?? {}).map((one) => one.description);
      for (const code of errors) expect(told.some((text) => text.split(" or ").includes(code))).toBe(true);
    }
  });
});

describe("the client made from it", () => {
  it("answers with what the server says, and refuses with its code", async () => {
    const { runs } = await live.api.listRuns({ query: { search: "known", pretty: true } });
    expect(runs.map((run) => run.name)).toEqual(["known"]);
    const [run] = runs;
    const log = await live.api.getRawLog({ path: { id: run!.id } });
    expect([log.status, await log.text()]).toEqual([200, ""]);
    const refused = live.api.getRun({ path: { id: "run_00000000000000000" } });
    await expect(refused).rejects.toBeInstanceOf(ApiRefusal);
    await expect(refused).rejects.toMatchObject({ status: 404, code: "not_found", hint: expect.any(String) as string });
  });
});
