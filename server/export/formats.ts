/** Every format: its type on the wire and what writes it. */
import type { ExportFormat } from "../../protocol/export.ts";
import { writeArchive } from "./archive.ts";
import { writeArrow } from "./arrow.ts";
import type { ExportWriter } from "./job.ts";
import { writeParquet } from "./parquet.ts";
import { writeReport } from "./report.ts";
import { writeTensorboard } from "./tensorboard.ts";
import { writeJsonLines, writeLong, writeWide } from "./text.ts";

interface Format {
  readonly mediaType: string;
  readonly write: ExportWriter;
}

const CSV = "text/csv; charset=utf-8";

export const FORMATS: Readonly<Record<ExportFormat, Format>> = {
  long: { mediaType: CSV, write: writeLong },
  wide: { mediaType: CSV, write: writeWide },
  jsonl: { mediaType: "application/x-ndjson; charset=utf-8", write: writeJsonLines },
  parquet: { mediaType: "application/vnd.apache.parquet", write: writeParquet },
  arrow: { mediaType: "application/vnd.apache.arrow.file", write: writeArrow },
  tensorboard: { mediaType: "application/octet-stream", write: writeTensorboard },
  html: { mediaType: "text/html; charset=utf-8", write: writeReport },
  archive: { mediaType: "application/zip", write: writeArchive },
};
