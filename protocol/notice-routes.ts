/** Routes about notices and webhooks. */
import * as z from "zod";
import * as n from "./notices.ts";
import { common, route } from "./route.ts";

const oneWebhook = { ...common, params: n.WebhookParam } as const;

export const noticeRoutes = {
  listNotices: route({
    ...common,
    method: "GET",
    path: "/api/notices",
    summary: "Runs that finished, failed, stalled or met a NaN, a disk that is nearly full, GPUs that are hot or full; newest first",
    query: n.NoticesQuery,
    response: n.Notices,
    errors: ["bad_request"],
  }),
  claimNotice: route({
    ...common,
    method: "POST",
    path: "/api/notices/:notice/claim",
    summary: "Take over showing a notice: of all windows, the first to ask",
    params: n.NoticeParam,
    response: n.Claimed,
    errors: ["not_found"],
  }),
  getNotifySettings: route({
    ...common,
    method: "GET",
    path: "/api/notify",
    summary: "When notices are given, and the webhooks that they go to",
    response: n.NotifySettings,
    errors: [],
  }),
  editNotifySettings: route({
    ...common,
    method: "PATCH",
    path: "/api/notify",
    summary: "Change when notices are given",
    body: n.EditNotifySettings,
    response: n.NotifySettings,
    errors: ["bad_request", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  addWebhook: route({
    ...common,
    method: "POST",
    path: "/api/notify/webhooks",
    summary: "Send notices to an address, signed with a secret",
    body: n.AddWebhook,
    response: n.Webhook,
    status: 201,
    errors: ["bad_request", "conflict", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  removeWebhook: route({
    ...oneWebhook,
    method: "DELETE",
    path: "/api/notify/webhooks/:webhook",
    summary: "Send nothing more to an address; what waits for it is dropped",
    response: z.object({ ok: z.literal(true) }),
    errors: ["not_found", "corrupt_record", "disk_full", "store_unwritable"],
  }),
  testWebhook: route({
    ...oneWebhook,
    method: "POST",
    path: "/api/notify/webhooks/:webhook/test",
    summary: "Send a test to an address once, now, and say what it answered",
    response: n.Delivery,
    errors: ["not_found", "corrupt_record"],
  }),
} as const;
