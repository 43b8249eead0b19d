/** Notices: what happened that somebody should hear of while they look elsewhere; and the webhooks that carry them to other programs. */
import * as z from "zod";
import { DEFAULT_GPU_LIMITS } from "./gpu-warnings.ts";
import { RunId, Slug, SweepId } from "./ids.ts";
import { Instant } from "./json.ts";
import { queryInt } from "./query-number.ts";

/** `failed` covers runs that were interrupted, and sweeps with such a run; `nan` is the first value of an attempt that is not finite; `test` is sent on request. */
export const NoticeKind = z.enum(["finished", "failed", "stalled", "nan", "disk_low", "gpu_hot", "gpu_memory_full", "test"]);
export type NoticeKind = z.infer<typeof NoticeKind>;

export const Notice = z.object({
  /** The same thing has the same id, also after the server was started again. */
  id: z.string().min(1).max(200),
  time: Instant,
  kind: NoticeKind,
  /** One sentence: what happened. */
  message: z.string(),
  /** What to do next. */
  hint: z.string().nullable(),
  run: z.object({ id: RunId, name: z.string(), project: Slug, attempt: z.number().int() }).nullable(),
  /** Set when it is about a whole sweep: `run` is then the best of its runs, if one is known to be. */
  sweep: z.object({ id: SweepId, name: z.string(), project: Slug }).nullable().default(null),
});
export type Notice = z.infer<typeof Notice>;

export const Notices = z.object({ notices: z.array(Notice) });
export const NoticesQuery = z.object({ limit: queryInt(1, 200).default(50) });
export const NoticeParam = z.object({ notice: z.string().min(1).max(200) });
/** Of all windows that were told of a notice, the first to claim it shows it. */
export const Claimed = z.object({ claimed: z.boolean() });

const WebhookUrl = z.url({ protocol: /^https?$/, error: "an http or https address is needed" }).max(2000);
export const WebhookId = z.string().regex(/^hook_[0-9a-f]{12}$/, "not a webhook's id (hook_ and 12 hex digits)");

/** As notify.json keeps it. The secret leaves the server for nobody. */
export const WebhookRecord = z.object({
  id: WebhookId,
  url: WebhookUrl,
  kinds: z.array(NoticeKind).min(1),
  /** Runs of this project alone; null for all. */
  project: Slug.nullable(),
  secret: z.string().nullable(),
  created_at: Instant,
});
export type WebhookRecord = z.infer<typeof WebhookRecord>;

/** <store>/notify.json, mode 0600. */
export const NotifyFile = z.object({
  version: z.literal(1).default(1),
  /** A running run that neither logs nor prints for so long is told of. */
  stalled_minutes: z.number().min(0.001).max(10_080).default(20),
  /** Told of when less is free on the store's disk while a run lives. */
  disk_free_gb: z.number().min(0).max(1_000_000).default(2),
  /** Told of when a GPU is as hot while a run lives. */
  gpu_celsius: z.number().min(1).max(200).default(DEFAULT_GPU_LIMITS.gpu_celsius),
  /** Told of when so much of a GPU's memory is in use while a run lives. */
  gpu_memory_percent: z.number().min(1).max(100).default(DEFAULT_GPU_LIMITS.gpu_memory_percent),
  webhooks: z.array(WebhookRecord).max(50).default([]),
});
export type NotifyFile = z.infer<typeof NotifyFile>;

export const Delivery = z.object({
  /** When the last try ended. */
  time: Instant,
  /** HTTP status, null when no answer came. */
  status: z.number().int().nullable(),
  problem: z.string().nullable(),
});
export type Delivery = z.infer<typeof Delivery>;

export const Webhook = WebhookRecord.omit({ secret: true }).extend({
  signed: z.boolean(),
  /** Notices that wait to be delivered. */
  waiting: z.number().int(),
  last: Delivery.nullable(),
});
export type Webhook = z.infer<typeof Webhook>;

/** When notices are given. */
export const NotifyLimits = NotifyFile.omit({ version: true, webhooks: true });
export type NotifyLimits = z.infer<typeof NotifyLimits>;

export const NotifySettings = NotifyLimits.extend({ webhooks: z.array(Webhook) });
export type NotifySettings = z.infer<typeof NotifySettings>;

const { shape } = NotifyLimits;
/** Without the defaults: what is left out stays as it is. */
export const EditNotifySettings = z
  .object({
    stalled_minutes: shape.stalled_minutes.unwrap(),
    disk_free_gb: shape.disk_free_gb.unwrap(),
    gpu_celsius: shape.gpu_celsius.unwrap(),
    gpu_memory_percent: shape.gpu_memory_percent.unwrap(),
  })
  .partial()
  .strict();

export const AddWebhook = z
  .object({
    url: WebhookUrl,
    kinds: z.array(NoticeKind).min(1).default(["finished", "failed", "stalled", "nan", "disk_low", "gpu_hot", "gpu_memory_full"]),
    project: Slug.nullable().default(null),
    /** Key of the signature; kept by the server and never shown again. */
    secret: z.string().min(8).max(500).optional(),
  })
  .strict();
export type AddWebhook = z.infer<typeof AddWebhook>;

export const WebhookParam = z.object({ webhook: WebhookId });

/** The body of a webhook. Signed as docs/notifications.md says. */
export const WebhookBody = z.object({ version: z.literal(1), store: z.string(), notice: Notice });
export type WebhookBody = z.infer<typeof WebhookBody>;
