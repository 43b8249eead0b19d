/** <store>/.server/discovery.json (file 0600 in a folder 0700): how every window and the CLI find the store's server. */
import * as z from "zod";
import { Instant } from "./json.ts";
import { ProcessIdentity } from "./run.ts";

export { PROTOCOL_VERSION } from "./constants.ts";

export const Discovery = z.object({
  protocol: z.number().int(),
  url: z.url(),
  token: z.string().min(32),
  process: ProcessIdentity,
  store: z.string(),
  version: z.string(),
  started_at: Instant,
});
export type Discovery = z.infer<typeof Discovery>;
