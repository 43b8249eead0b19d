/** What is exported: chosen runs of a store, and how a format reaches their points. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { SeriesWindow } from "../series/types.ts";

export interface ExportJob {
  readonly provenance: ExportProvenance;
  readonly runs: readonly ExportedRun[];
  /** Points of the chosen metrics of a run, at most `maxPoints` of each. Copies: they stay as they are while the run goes on. */
  points(run: RunId, maxPoints: number): Promise<readonly SeriesWindow[]>;
  /** Absolute path of the run folder. */
  folder(run: RunId): string;
  checkpoints(run: RunId): Promise<readonly Checkpoint[]>;
}

/** Writes a job piece by piece; no more than one run's points are held at a time. */
export type ExportWriter = (job: ExportJob) => AsyncIterable<Uint8Array>;

export const ALL_POINTS = Number.MAX_SAFE_INTEGER;
