/** Routes that hand out points and adapters for other programs and previews of files. */
import * as z from "zod";
import { ExportAdapter, ExportedAdapter } from "./adapter-export.ts";
import { ArtifactPreview, ExportQuery, PreviewQuery } from "./export.ts";
import { common, oneRun, route } from "./route.ts";

export const exportRoutes = {
  exportRuns: route({
    ...common,
    method: "GET",
    path: "/api/export",
    summary:
      "Runs as CSV (long or wide), JSON lines, Parquet or Arrow with every point bit for bit, TensorBoard events, an HTML report, or an archive",
    query: ExportQuery,
    response: z.any(),
    produces: "bytes",
    errors: ["not_found", "bad_request"],
  }),
  previewArtifact: route({
    ...oneRun,
    method: "GET",
    path: "/api/runs/:id/artifacts/preview",
    summary: "What can be shown of a file safely: text, JSON, CSV, Parquet, NumPy and safetensors headers, images, sounds",
    query: PreviewQuery,
    response: ArtifactPreview,
    errors: ["not_found", "forbidden", "bad_request"],
  }),
  exportAdapter: route({
    ...oneRun,
    method: "POST",
    path: "/api/runs/:id/adapter",
    summary: "Copy a trained adapter into an empty folder from which PEFT loads it, with its tokenizer and a draft of its model card",
    body: ExportAdapter,
    response: ExportedAdapter,
    status: 201,
    errors: ["not_found", "bad_checkpoint", "bad_request", "conflict", "disk_full"],
  }),
} as const;
