/**
 * Notices on their way to webhooks. Each webhook gets its own in their order; one that fails is tried again, later and later, and holds up
 * no other and nobody who trains. What waits is part of the server's state on disk, so the next server goes on with it.
 */
import * as z from "zod";
import { counted } from "../../protocol/counted.ts";
import { Notice, WebhookId, type Delivery, type WebhookRecord } from "../../protocol/notices.ts";
import { deliver, type Outcome } from "./deliver.ts";

export const Waiting = z.object({
  webhook: WebhookId,
  notice: Notice,
  tries: z.number().int().nonnegative(),
  /** Not before, ms since the epoch. */
  due: z.number(),
});
export type Waiting = z.infer<typeof Waiting>;

export interface OutboxOptions {
  readonly store: string;
  readonly version: string;
  readonly webhook: (id: string) => WebhookRecord | undefined;
  /** What waits has changed and should be kept. */
  readonly changed: () => void;
  readonly log: (text: string) => void;
  /** First wait before another try, ms; it doubles. */
  readonly firstRetryMs?: number;
}

/** Of all webhooks together; beyond it the oldest give way. */
const MOST_WAITING = 500;
const MOST_TRIES = 12;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 3_600_000;

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Waiting[] = [];
  readonly #busy = new Set<string>();
  readonly #last = new Map<string, Delivery>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  last(webhook: string): Delivery | null {
    return this.#last.get(webhook) ?? null;
  }

  /** Goes on with what an earlier server left. */
  restore(waiting: readonly Waiting[]): void {
    this.#waiting = [...waiting, ...this.#waiting];
    this.#schedule();
  }

  add(webhook: string, notice: Notice): void {
    this.#waiting.push({ webhook, notice, tries: 0, due: Date.now() });
    const over = this.#waiting.length - MOST_WAITING;
    if (over > 0) {
      this.#waiting.splice(0, over);
      this.#options.log(`dropped ${counted(over, "notice")} for webhooks: ${MOST_WAITING} wait already`);
    }
    this.#options.changed();
    this.#schedule();
  }

  drop(webhook: string): void {
    this.#waiting = this.#waiting.filter((one) => one.webhook !== webhook);
    this.#last.delete(webhook);
    this.#options.changed();
  }

  /** One try of its own, outside the queue. */
  async test(webhook: WebhookRecord, notice: Notice): Promise<Delivery> {
    return this.#note(webhook.id, await this.#try(webhook, notice));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Wakes up when the first of the oldest ones of each webhook is due. */
  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const heads = this.#heads();
    if (this.#closed || heads.length === 0) return;
    const due = Math.min(...heads.map((one) => one.due));
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, due - Date.now()));
    this.#timer.unref();
  }

  /** The oldest of each webhook that is not under way. */
  #heads(): Waiting[] {
    const heads = new Map<string, Waiting>();
    for (const one of this.#waiting) if (!heads.has(one.webhook) && !this.#busy.has(one.webhook)) heads.set(one.webhook, one);
    return [...heads.values()];
  }

  async #run(): Promise<void> {
    const now = Date.now();
    await Promise.all(this.#heads().map(async (head) => (head.due <= now ? this.#attempt(head) : undefined)));
    this.#schedule();
  }

  async #attempt(head: Waiting): Promise<void> {
    const webhook = this.#options.webhook(head.webhook);
    if (webhook === undefined) {
      this.drop(head.webhook);
      return;
    }
    this.#busy.add(head.webhook);
    try {
      const outcome = await this.#try(webhook, head.notice);
      this.#note(head.webhook, outcome);
      const at = this.#waiting.indexOf(head);
      if (at === -1) return; // Dropped meanwhile.
      const tries = head.tries + 1;
      if (outcome.problem !== null && outcome.retry && tries < MOST_TRIES) {
        const wait = Math.min(LONGEST_RETRY_MS, (this.#options.firstRetryMs ?? FIRST_RETRY_MS) * 2 ** head.tries);
        // Not all at once, when a receiver comes back.
        this.#waiting[at] = { ...head, tries, due: Date.now() + wait * (0.8 + 0.4 * Math.random()) };
      } else {
        if (outcome.problem !== null) this.#options.log(`webhook ${head.webhook} did not take ${head.notice.id}: ${outcome.problem}`);
        this.#waiting.splice(at, 1);
      }
      this.#options.changed();
    } finally {
      this.#busy.delete(head.webhook);
      this.#schedule();
    }
  }

  async #try(webhook: WebhookRecord, notice: Notice): Promise<Outcome> {
    return deliver(webhook, { version: 1, store: this.#options.store, notice }, this.#options.version);
  }

  #note(webhook: string, { time, status, problem }: Outcome): Delivery {
    const delivery = { time, status, problem };
    this.#last.set(webhook, delivery);
    return delivery;
  }
}
