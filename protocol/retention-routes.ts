/** The route of the checkpoints' retention. */
import { RetainCheckpoints, RetentionPlan } from "./retention.ts";
import { oneRun, route } from "./route.ts";

export const retentionRoutes = {
  retainCheckpoints: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/retention",
    summary: "Which checkpoints a rule would remove and why the others stay; with `apply` it removes them",
    body: RetainCheckpoints,
    response: RetentionPlan,
    errors: ["not_found", "bad_request", "corrupt_record", "store_unwritable", "other_store"],
  }),
} as const;
