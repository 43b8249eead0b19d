/** The notices room: keeps what was told, hands it to windows once, and to webhooks. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import * as z from "zod";
import { TrainyardError } from "../../protocol/errors.ts";
import { Notice, NotifyFile, NotifyLimits, type NotifySettings, type Webhook, type WebhookRecord } from "../../protocol/notices.ts";
import type { Devices } from "../devices/types.ts";
import type { Sweeps } from "../runs/sweeps.ts";
import type { Runs } from "../runs/types.ts";
import { writeJsonAtomic } from "../store/atomic.ts";
import { readJsonFile } from "../store/json-file.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import type { RunStore } from "../store/types.ts";
import { Outbox, Waiting } from "./outbox.ts";
import type { Notices } from "./types.ts";
import { NoticeWatch } from "./watch.ts";

export interface NoticesOptions {
  readonly store: RunStore;
  readonly runs: Runs;
  readonly sweeps: Pick<Sweeps, "onSettled" | "atRest">;
  readonly devices: Pick<Devices, "latest">;
  /** The server's private folder. */
  readonly folder: string;
  readonly version: string;
  readonly log: (text: string) => void;
  /** First wait before a webhook is tried again, ms. */
  readonly firstRetryMs?: number;
}

/** <store>/.server/notices.json: what is not to be told twice, and what is still on its way. */
const State = z.object({ notices: z.array(Notice.extend({ claimed: z.boolean() })), waiting: z.array(Waiting) });
type Told = z.infer<typeof State>["notices"][number];

export const NOTIFY_FILE = "notify.json";
const KEPT = 200;
const DAY_MS = 86_400_000;

export function createNotices(options: NoticesOptions): Notices {
  return new NoticesRoom(options);
}

class NoticesRoom implements Notices {
  readonly #options: NoticesOptions;
  readonly #settingsFile: string;
  readonly #stateFile: string;
  readonly #outbox: Outbox;
  readonly #watch: NoticeWatch;
  readonly #queue = new KeyedQueue();
  readonly #listeners = new Set<(notice: Notice) => void>();
  /** Oldest first. */
  #told: Told[] = [];
  #file: NotifyFile = NotifyFile.parse({});
  /** Why notify.json cannot be used; it is then left as it is. */
  #damage: TrainyardError | null = null;
  readonly #loaded: Promise<void>;
  #unsaved = false;

  constructor(options: NoticesOptions) {
    const { store, runs, sweeps, devices, version, log } = options;
    this.#options = options;
    this.#settingsFile = path.join(store.root, NOTIFY_FILE);
    this.#stateFile = path.join(options.folder, "notices.json");
    this.#outbox = new Outbox({
      store: store.root,
      version,
      log,
      webhook: (id) => this.#file.webhooks.find((one) => one.id === id),
      changed: () => {
        this.#save();
      },
      ...(options.firstRetryMs !== undefined && { firstRetryMs: options.firstRetryMs }),
    });
    this.#watch = new NoticeWatch({
      runs,
      sweeps,
      storeRoot: store.root,
      gpus: () => devices.latest()?.gpus ?? [],
      limits: () => this.#file,
      // What is seen before the files were read waits for them: they say what was told before.
      tell: (notice) => {
        void this.#loaded.then(() => {
          this.#tell(notice);
        });
      },
      log,
    });
    this.#loaded = this.#load();
  }

  list(limit: number): Notice[] {
    return this.#told.slice(-limit).reverse().map(withoutClaim);
  }

  unclaimed(): Notice[] {
    const since = Date.now() - DAY_MS;
    return this.#told.filter(({ claimed, time }) => !claimed && Date.parse(time) >= since).map(withoutClaim);
  }

  claim(id: string): boolean {
    const told = this.#told.find((one) => one.id === id);
    if (told === undefined) throw new TrainyardError("not_found", `there is no notice ${id}`, "GET /api/notices lists them.");
    if (told.claimed) return false;
    told.claimed = true;
    this.#save();
    return true;
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async settings(): Promise<NotifySettings> {
    await this.#loaded;
    return { ...NotifyLimits.parse(this.#file), webhooks: this.#file.webhooks.map((one) => this.#describe(one)) };
  }

  async edit(changes: Partial<NotifyLimits>): Promise<NotifySettings> {
    await this.#change((file) => ({ ...file, ...changes }));
    this.#watch.soon();
    return this.settings();
  }

  async addWebhook({ url, kinds, project, secret }: Parameters<Notices["addWebhook"]>[0]): Promise<Webhook> {
    const record: WebhookRecord = {
      id: `hook_${randomBytes(6).toString("hex")}`,
      url,
      kinds,
      project,
      secret: secret ?? null,
      created_at: new Date().toISOString(),
    };
    await this.#change((file) => {
      if (file.webhooks.some((one) => one.url === url && one.project === project))
        throw new TrainyardError("conflict", "url: there is a webhook for this address already", "Remove it first.");
      if (file.webhooks.length >= 50) throw new TrainyardError("conflict", "there are 50 webhooks already", "Remove one first.");
      return { ...file, webhooks: [...file.webhooks, record] };
    });
    return this.#describe(record);
  }

  async removeWebhook(id: string): Promise<void> {
    await this.#change((file) => {
      mustFind(file, id);
      return { ...file, webhooks: file.webhooks.filter((one) => one.id !== id) };
    });
    this.#outbox.drop(id);
  }

  async testWebhook(id: string): ReturnType<Notices["testWebhook"]> {
    await this.#loaded;
    const time = new Date().toISOString();
    const message = "This is a test of Trainyard's notifications.";
    return this.#outbox.test(mustFind(this.#file, id), {
      id: `test:${time}`,
      time,
      kind: "test",
      message,
      hint: null,
      run: null,
      sweep: null,
    });
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#outbox.close();
    this.#listeners.clear();
    await this.#loaded;
    await this.#queue.run("state", () => this.#write());
  }

  async #load(): Promise<void> {
    const { log } = this.#options;
    try {
      this.#file = (await readJsonFile(this.#settingsFile, NotifyFile)) ?? this.#file;
    } catch (error) {
      this.#damage = error instanceof TrainyardError ? error : new TrainyardError("corrupt_record", String(error));
      log(`notifications take their defaults: ${this.#damage.message}`);
    }
    try {
      const state = await readJsonFile(this.#stateFile, State);
      this.#told = state?.notices ?? [];
      this.#outbox.restore(state?.waiting ?? []);
    } catch (error) {
      // The file is only ours; at worst something is told twice.
      log(`what was told before is not known: ${String(error)}`);
    }
  }

  #tell(notice: Notice): void {
    if (this.#told.some(({ id }) => id === notice.id)) return;
    this.#told = [...this.#told, { ...notice, claimed: false }].slice(-KEPT);
    this.#save();
    for (const { id, kinds, project } of this.#file.webhooks)
      if (kinds.includes(notice.kind) && (project === null || projectOf(notice) === project)) this.#outbox.add(id, notice);
    for (const listener of this.#listeners) listener(notice);
  }

  async #change(change: (file: NotifyFile) => NotifyFile): Promise<void> {
    return this.#queue.run("settings", async () => {
      await this.#loaded;
      if (this.#damage !== null) throw this.#damage;
      const after = change(this.#file);
      await writeJsonAtomic(this.#settingsFile, after, 0o600);
      this.#file = after;
    });
  }

  #describe({ id, url, kinds, project, secret, created_at }: WebhookRecord): Webhook {
    const waiting = this.#outbox.waiting.filter((one) => one.webhook === id).length;
    return { id, url, kinds, project, created_at, signed: secret !== null, waiting, last: this.#outbox.last(id) };
  }

  /** Soon, once for all that changes until then. */
  #save(): void {
    if (this.#unsaved) return;
    this.#unsaved = true;
    void this.#queue.run("state", () => this.#write());
  }

  async #write(): Promise<void> {
    this.#unsaved = false;
    if (this.#options.store.readOnly) return;
    try {
      await writeJsonAtomic(this.#stateFile, { notices: this.#told, waiting: this.#outbox.waiting }, 0o600);
    } catch (error) {
      this.#options.log(`what was told is not kept: ${String(error)}`);
    }
  }
}

function withoutClaim({ id, time, kind, message, hint, run, sweep }: Told): Notice {
  return { id, time, kind, message, hint, run, sweep };
}

function projectOf({ run, sweep }: Notice): string | undefined {
  return (sweep ?? run)?.project;
}

/** @throws TrainyardError not_found */
function mustFind(file: NotifyFile, id: string): WebhookRecord {
  const found = file.webhooks.find((one) => one.id === id);
  if (found === undefined) throw new TrainyardError("not_found", `there is no webhook ${id}`, "GET /api/notify lists them.");
  return found;
}
