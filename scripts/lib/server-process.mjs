// The run server as a child of its own, and the little of its REST interface that the demo needs.
import { spawn } from "node:child_process";
import path from "node:path";
import { StepFailure, capture, root } from "./steps.mjs";

const CLI = path.join(root, "dist", "cli.cjs");
const START_TIMEOUT_MS = 30_000;

/**
 * Starts a server on the store, or takes the one that serves it already (a VS Code window may have started it).
 * @returns {Promise<{ discovery: { url: string, token: string }, stop: () => Promise<void> }>} `stop` ends a server that was started here
 */
export async function startServer(store) {
  // In a process group of its own: Ctrl+C is for this program, which ends the server itself.
  const child = spawn(process.execPath, [CLI, "serve", "--store", store, "--json"], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  let stdout = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr = (stderr + text).slice(-20_000);
  });
  const line = await new Promise((resolve) => {
    const timer = setTimeout(resolve, START_TIMEOUT_MS, null);
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      if (!stdout.includes("\n")) return;
      clearTimeout(timer);
      resolve(stdout.slice(0, stdout.indexOf("\n")));
    });
    child.on("exit", () => {
      clearTimeout(timer);
      resolve(stdout.trim() === "" ? null : stdout.trim());
    });
  });
  const answer = parse(line);
  if (answer?.url !== undefined) {
    const stop = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await exited;
      clearTimeout(timer);
    };
    return { discovery: answer, stop };
  }
  if (child.exitCode === null) child.kill("SIGKILL");
  if (answer?.error?.code === "store_occupied") {
    const { code, stdout: found } = await capture(process.execPath, [CLI, "serve", "--ensure", "--store", store, "--json"]);
    if (code === 0) return { discovery: JSON.parse(found), stop: async () => {} };
  }
  throw new StepFailure("the run server did not start", answer?.error?.hint ?? "The messages above say why.", stderr);
}

/** @returns a function that calls a route; it throws what the server says is wrong */
export function restClient({ url, token }) {
  return async (method, route, body) => {
    const response = await fetch(new URL(route, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(120_000),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    const { message, hint, problems } = answer.error;
    const details = problems.map((problem) => `${problem.field}: ${problem.message}`).join("\n");
    throw new StepFailure(`${method} ${route}: ${message}`, hint ?? "See the run's log in the dashboard.", details);
  };
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
