/** What the notices room offers. */
import type { z } from "zod";
import type { AddWebhook, Delivery, EditNotifySettings, Notice, NotifySettings, Webhook } from "../../protocol/notices.ts";

export interface Notices {
  /** Newest first. */
  list(limit: number): Notice[];
  /** Not yet claimed, of the last day, oldest first: what a window that opens now has missed. */
  unclaimed(): Notice[];
  /** True for the first who asks. @throws TrainyardError not_found */
  claim(id: string): boolean;
  onNotice(listener: (notice: Notice) => void): () => void;
  settings(): Promise<NotifySettings>;
  /** @throws TrainyardError corrupt_record | disk_full | store_unwritable */
  edit(changes: z.output<typeof EditNotifySettings>): Promise<NotifySettings>;
  /** @throws TrainyardError conflict when the address has one already */
  addWebhook(request: AddWebhook): Promise<Webhook>;
  /** @throws TrainyardError not_found */
  removeWebhook(id: string): Promise<void>;
  /** One try, whose outcome is the answer. @throws TrainyardError not_found */
  testWebhook(id: string): Promise<Delivery>;
  close(): Promise<void>;
}
