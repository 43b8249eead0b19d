import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../protocol/routes.ts";
import { parseRange, sendFile } from "../../server/http/file-answer.ts";
import { openApiDocument } from "../../server/http/openapi.ts";
import { checkBearer, checkHostAndOrigin, newToken, sameSecret } from "../../server/http/security.ts";
import { serveStatic } from "../../server/http/static.ts";

describe("who may talk to the server", () => {
  it.each([
    ["127.0.0.1:4321", undefined],
    ["localhost:4321", undefined],
    ["LOCALHOST:4321", undefined],
    ["[::1]:4321", undefined],
    ["localhost", undefined],
    ["127.0.0.1:4321", "http://127.0.0.1:4321"],
    ["localhost:9999", "http://localhost:9999"],
    ["127.0.0.1:4321", "vscode-webview://0123abc"],
  ])("lets in Host %s with Origin %s", (host, origin) => {
    checkHostAndOrigin(host, origin);
  });

  it.each([
    [undefined, undefined],
    ["", undefined],
    ["evil.example:4321", undefined],
    ["127.0.0.1.evil.example", undefined],
    ["localhost.evil.example:80", undefined],
    ["evil.example", "http://evil.example"],
    ["127.0.0.1:4321@evil.example", undefined],
    ["127.0.0.1:4321", "http://evil.example"],
    ["127.0.0.1:4321", "http://127.0.0.1:8888"],
    ["127.0.0.1:4321", "https://127.0.0.1:4321"],
    ["127.0.0.1:4321", "http://localhost:4321"],
    ["127.0.0.1:4321", "null"],
    ["127.0.0.1:4321", ""],
    ["127.0.0.1:4321", "evil-vscode-webview://x"],
  ])("refuses Host %s with Origin %s", (host, origin) => {
    expect(() => {
      checkHostAndOrigin(host, origin);
    }).toThrow(expect.objectContaining({ code: "forbidden" }) as Error);
  });

  it("wants the token, the whole token and nothing but the token", () => {
    const token = newToken();
    expect(token.length).toBeGreaterThanOrEqual(43);
    checkBearer(`Bearer ${token}`, token);
    checkBearer(`bearer ${token}`, token);
    for (const header of [undefined, "", token, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`, "Bearer "]) {
      expect(() => {
        checkBearer(header, token);
      }).toThrow(expect.objectContaining({ code: "unauthorized" }) as Error);
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(sameSecret(a, b)).toBe(a === b);
      }),
    );
  });
});

describe("parseRange", () => {
  it.each([
    ["bytes=0-4", 10, { start: 0, end: 4 }],
    ["bytes=5-", 10, { start: 5, end: 9 }],
    ["bytes=-3", 10, { start: 7, end: 9 }],
    ["bytes=-30", 10, { start: 0, end: 9 }],
    ["bytes=0-99", 10, { start: 0, end: 9 }],
    ["bytes=10-", 10, "unsatisfiable"],
    ["bytes=-0", 10, "unsatisfiable"],
    ["bytes=0-0", 0, "unsatisfiable"],
    ["bytes=4-2", 10, null],
    ["bytes=0-1,3-4", 10, null],
    ["lines=0-1", 10, null],
    ["bytes=-", 10, null],
    [null, 10, null],
  ])("%s of %i bytes", (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });

  it("never leaves the file", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
        ),
        fc.nat(),
        (header, size) => {
          const range = parseRange(header, size);
          if (range === null || range === "unsatisfiable") return;
          expect(range.start).toBeLessThanOrEqual(range.end);
          expect(range.end).toBeLessThan(size);
        },
      ),
    );
  });
});

describe("files", () => {
  let folder: string;
  let web: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "ty-files-"));
    web = path.join(folder, "webviews");
    await mkdir(path.join(web, "chunks"), { recursive: true });
    await writeFile(path.join(web, "index.html"), "<!doctype html>");
    await writeFile(path.join(web, "chunks", "a b.js"), "1");
    await writeFile(path.join(folder, "secret.json"), "{}");
    await writeFile(path.join(folder, "model.bin"), "0123456789");
    await writeFile(path.join(folder, "empty.bin"), "");
    await symlink(path.join(folder, "secret.json"), path.join(web, "link.json"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("serves the application with a policy that allows no foreign or inline script", async () => {
    const response = await serveStatic(web, "/", "127.0.0.1:1234");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe-eval");
    expect(await (await serveStatic(web, "/chunks/a%20b.js", "h")).text()).toBe("1");
  });

  it.each([
    "/../secret.json",
    "/..%2fsecret.json",
    "/%2e%2e/secret.json",
    "/chunks/../../secret.json",
    "/chunks/..%5c..%5csecret.json",
    "//etc/passwd.json",
    "/link.json",
    "/chunks",
    "/%00.json",
    "/%zz.json",
    "/missing.js",
    "/index.html/x.js",
  ])("has no %s", async (urlPath) => {
    await expect(serveStatic(web, urlPath, "h")).rejects.toMatchObject({ code: "not_found" });
  });

  it("gives nothing from outside, whatever is asked for", async () => {
    const piece = fc.constantFrom("..", ".", "%2e%2e", "%2f", "/", "\\", "secret.json", "chunks", "index.html", "%00", "a");
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const response = await serveStatic(web, `/${pieces.join("/")}`, "h").catch((error: unknown) => error);
        if (response instanceof Response) expect(await response.text()).not.toBe("{}");
        else expect(response).toMatchObject({ code: "not_found" });
      }),
    );
  });

  it("sends a file whole, a part of it, and says what it cannot", async () => {
    const file = path.join(folder, "model.bin");
    const whole = await sendFile(file, new Headers());
    expect([whole.status, await whole.text(), whole.headers.get("content-length")]).toEqual([200, "0123456789", "10"]);
    expect(whole.headers.get("content-type")).toBe("application/octet-stream");
    const part = await sendFile(file, new Headers({ range: "bytes=2-4" }));
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "234", "bytes 2-4/10"]);
    const beyond = await sendFile(file, new Headers({ range: "bytes=10-" }));
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    const changed = await sendFile(file, new Headers({ range: "bytes=2-4", "if-range": '"other"' }));
    expect([changed.status, await changed.text()]).toEqual([200, "0123456789"]);
    const empty = await sendFile(path.join(folder, "empty.bin"), new Headers());
    expect([empty.status, await empty.text()]).toEqual([200, ""]);
    await expect(sendFile(web, new Headers())).rejects.toMatchObject({ code: "corrupt_record" });
    await expect(sendFile(`${file}.gone`, new Headers())).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("OpenAPI", () => {
  const document = JSON.parse(JSON.stringify(openApiDocument("1.2.3"))) as {
    paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
  };

  it("has every route, with its path parameters", () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.map((operation) => operation.operationId).sort()).toEqual(Object.keys(routes).sort());
    for (const [url, methods] of Object.entries(document.paths)) {
      const wanted = [...url.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const operation of Object.values(methods)) {
        expect(operation.parameters.filter((parameter) => parameter.in === "path").map((parameter) => parameter.name)).toEqual(wanted);
      }
    }
  });

  it("has no reference that leads nowhere", () => {
    const references: string[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === "$ref" && typeof value === "string") references.push(value);
        else walk(value);
      }
    };
    walk(document);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(reference.startsWith("#/")).toBe(true);
      let node: unknown = document;
      for (const key of reference.slice(2).split("/")) node = (node as Record<string, unknown> | undefined)?.[key];
      expect(node, reference).toBeDefined();
    }
  });
});
