/** Routes about notices and webhooks. */
import { mustWrite } from "../store/store.ts";
import type { Handlers, HttpContext } from "./context.ts";

type NoticeRoutes =
  "listNotices" | "claimNotice" | "getNotifySettings" | "editNotifySettings" | "addWebhook" | "removeWebhook" | "testWebhook";

export function noticeHandlers({ store, notices }: HttpContext): Pick<Handlers, NoticeRoutes> {
  return {
    listNotices: ({ query }) => Promise.resolve({ notices: notices.list(query.limit) }),
    claimNotice: async ({ params }) => Promise.resolve({ claimed: notices.claim(params.notice) }),
    getNotifySettings: () => notices.settings(),
    async editNotifySettings({ body }) {
      mustWrite(store);
      return notices.edit(body);
    },
    async addWebhook({ body }) {
      mustWrite(store);
      return notices.addWebhook(body);
    },
    async removeWebhook({ params }) {
      mustWrite(store);
      await notices.removeWebhook(params.webhook);
      return { ok: true as const };
    },
    testWebhook: ({ params }) => notices.testWebhook(params.webhook),
  };
}
