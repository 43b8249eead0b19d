/** One try to deliver a notice. What is signed, and how a receiver checks it: docs/notifications.md. */
import { createHmac } from "node:crypto";
import type { Delivery, WebhookBody, WebhookRecord } from "../../protocol/notices.ts";

const TIMEOUT_MS = 10_000;
/** Of the answer nothing is used; what a receiver says beyond this is not read. */
const MAX_ANSWER_BYTES = 16 * 1024;

export interface Outcome extends Delivery {
  /** Another try may do better: no answer, an overloaded or broken receiver. */
  readonly retry: boolean;
}

/** `sha256=` and the HMAC of `<timestamp>.<body>`, in hexadecimal. @param timestamp whole seconds since the epoch */
export function signature(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

/** Never throws: what went wrong is the outcome. */
export async function deliver(webhook: WebhookRecord, content: WebhookBody, version: string): Promise<Outcome> {
  const body = JSON.stringify(content);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "user-agent": `trainyard/${version}`,
    "x-trainyard-event": content.notice.kind,
    "x-trainyard-delivery": content.notice.id,
    "x-trainyard-timestamp": timestamp,
  };
  if (webhook.secret !== null) headers["x-trainyard-signature"] = signature(webhook.secret, timestamp, body);
  const ended = (status: number | null, problem: string | null, retry: boolean): Outcome => ({
    time: new Date().toISOString(),
    status,
    problem,
    retry,
  });
  try {
    // A signed body is for the address that was named, and no other.
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(webhook.url, { method: "POST", headers, body, redirect: "manual", signal });
    // Its status has said it all: one that breaks off behind it has taken the notice, and must not get it again.
    await readSome(response).catch(() => undefined);
    const { status } = response;
    if (status >= 200 && status < 300) return ended(status, null, false);
    if (status >= 300 && status < 400) return ended(status, "it redirects, which is not followed", false);
    return ended(status, `it answered ${status}`, status >= 500 || status === 408 || status === 425 || status === 429);
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError") return ended(null, `no answer in ${TIMEOUT_MS / 1000} s`, true);
    // The address may hold a token: only the cause is told, which names host and port at most.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "it cannot be reached";
    return ended(null, cause, true);
  }
}

/** Reads the answer so that the connection can be used again, but not more than is fair. */
async function readSome(response: Response): Promise<void> {
  let read = 0;
  for await (const chunk of response.body ?? []) {
    read += (chunk as Uint8Array).length;
    if (read > MAX_ANSWER_BYTES) return; // Leaving the loop cancels the rest.
  }
}
