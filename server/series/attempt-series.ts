/** The points of one attempt, as they come out of its metric file. */
import { counted } from "../../protocol/counted.ts";
import { MetricFileReader, ROW_PREFIX, type FileIdentity, type MetricSet, type MetricSink } from "../store/metric-reader.ts";
import { isReserved, type AttemptPoints } from "./attempt-points.ts";
import { Axis, Curve } from "./curve.ts";
import { CurvePoints, type MetricPoints } from "./points.ts";
import type { SpillFile } from "./spill.ts";
import { RATE_ROWS, StepRate } from "./step-rate.ts";

const LONG_STRETCH = 1000;

class SetState {
  readonly axis: Axis;
  /** Curve of each column; null for a name that stands twice in the set (the first one counts). */
  readonly curves: readonly (Curve | null)[];
  readonly hasMetrics: boolean;

  constructor(axis: Axis, curves: readonly (Curve | null)[]) {
    this.axis = axis;
    this.curves = curves;
    this.hasMetrics = curves.some((curve) => curve !== null && !isReserved(curve.name));
  }

  reserve(rows: number): void {
    this.axis.reserve(rows);
    for (const curve of this.curves) curve?.reserve(rows);
  }
}

export class AttemptSeries implements AttemptPoints, MetricSink {
  readonly attempt: number;
  resumedFromStep: number | null;
  joined = false;
  readonly #reader: MetricFileReader;
  readonly #onRestart: () => void;
  #curves = new Map<string, Curve>();
  #sets = new Map<string, SetState>();
  /** Curves that have an axis of their own, for they are logged in more than one set. */
  #ownAxis = new Set<Curve>();
  #closed = false;
  #rows = 0;
  #badRows = 0;
  #firstMetric: { row: number; step: number } | null = null;
  #newest: { step: number; time: number } | null = null;
  #rate = new StepRate();
  #currentSet: MetricSet | null = null;
  #currentState: SetState | null = null;

  /** @param onRestart the file was replaced: what was read of it is void */
  constructor(attempt: number, file: string, resumedFromStep: number | null, onRestart: () => void) {
    this.attempt = attempt;
    this.resumedFromStep = resumedFromStep;
    this.#onRestart = onRestart;
    this.#reader = new MetricFileReader(file, this);
  }

  get file(): string {
    return this.#reader.file;
  }

  get rowCount(): number {
    return this.#rows;
  }

  get curves(): ReadonlyMap<string, Curve> {
    return this.#curves;
  }

  get bytes(): number {
    const curves = [...this.#curves.values()];
    // Curves that are logged together share an axis.
    const axes = new Set(curves.map((curve) => curve.axis));
    return curves.reduce((sum, curve) => sum + curve.bytes, 0) + [...axes].reduce((sum, axis) => sum + axis.bytes, 0);
  }

  get firstMetric(): { row: number; step: number } | null {
    return this.#firstMetric;
  }

  names(): Iterable<string> {
    return this.#curves.keys();
  }

  points(name: string): MetricPoints | undefined {
    const curve = this.#curves.get(name);
    return curve === undefined ? undefined : new CurvePoints(curve);
  }

  /** The metric file as it was when its newest rows were read: another object with each change of the points. null before and after all. */
  get source(): FileIdentity | null {
    return this.#closed ? null : this.#reader.identity;
  }

  get newest(): { step: number; time: number } | null {
    return this.#newest;
  }

  get secondsPerStep(): number | null {
    return this.#rate.median();
  }

  get damage(): string | null {
    const bad = this.#badRows === 0 ? null : `${this.file}: left out ${counted(this.#badRows, "row")} without a finite step or time`;
    const { damage } = this.#reader;
    return damage !== null && bad !== null ? `${damage}; ${bad}` : (damage ?? bad);
  }

  get stepRange(): { first: number; last: number } | null {
    let [first, last] = [Infinity, -Infinity];
    for (const curve of this.#curves.values()) {
      if (isReserved(curve.name)) continue;
      const { steps, length } = curve;
      // A script may go back to lower steps: only then every point has to be looked at.
      const stride = curve.axis.ascending ? Math.max(1, length - 1) : 1;
      for (let n = 0; n < length; n += stride) {
        first = Math.min(first, steps[n]!);
        last = Math.max(last, steps[n]!);
      }
    }
    return first > last ? null : { first, last };
  }

  get epoch(): number | null {
    let newestRow = -1;
    let epoch: number | null = null;
    for (const name of ["_epoch", "epoch"]) {
      const curve = this.#curves.get(name);
      const last = (curve?.length ?? 0) - 1;
      if (curve === undefined || last < 0) continue;
      const row = curve.axis.rows.data[last]!;
      const value = curve.valueAt(last);
      if (row <= newestRow || !Number.isFinite(value)) continue;
      newestRow = row;
      epoch = value;
    }
    return epoch;
  }

  /** @param spill takes the old values; null to keep all of them in memory */
  async poll(spill: SpillFile | null): Promise<boolean> {
    const changed = await this.#reader.read();
    if (spill !== null) for (const curve of this.#curves.values()) curve.letGo(spill);
    return changed;
  }

  /** As `poll`, at once. */
  readNow(): void {
    this.#reader.readNow();
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    for (const curve of this.#curves.values()) curve.release();
    this.#curves = new Map();
  }

  restart(): void {
    this.#release();
    this.#sets = new Map();
    this.#ownAxis = new Set();
    this.#rows = this.#badRows = 0;
    this.#firstMetric = this.#newest = this.#currentSet = this.#currentState = null;
    this.#rate = new StepRate();
    this.#onRestart();
  }

  rows(set: MetricSet, data: Float64Array, count: number, more: number): void {
    if (set !== this.#currentSet || this.#currentState === null) {
      this.#currentState = this.#stateOf(set);
      this.#currentSet = set;
    }
    const stride = ROW_PREFIX + set.names.length;
    // A long stretch of one set: the rest of the file is likely to be of it too, and columns that grow once need no copying.
    if (count >= LONG_STRETCH) this.#currentState.reserve(count + more);
    // Rows without a place on the axes are left out; the stretches between them go in as blocks.
    let start = 0;
    for (let i = 0; i < count; i++) {
      const sum = data[i * stride + 1]! + data[i * stride + 2]!;
      if (sum - sum === 0) continue;
      this.#ingest(this.#currentState, data, start, i - start, stride);
      this.#rows++;
      this.#badRows++;
      start = i + 1;
    }
    this.#ingest(this.#currentState, data, start, count - start, stride);
  }

  #stateOf(set: MetricSet): SetState {
    // By names, not by id: a writer that starts again defines its sets anew.
    const key = JSON.stringify(set.names);
    let state = this.#sets.get(key);
    if (state === undefined) {
      const axis = new Axis();
      const curves = set.names.map((name, column) => (set.names.indexOf(name) === column ? this.#curveOf(name, axis) : null));
      state = new SetState(axis, curves);
      this.#sets.set(key, state);
    }
    return state;
  }

  #curveOf(name: string, axis: Axis): Curve {
    let curve = this.#curves.get(name);
    if (curve === undefined) {
      curve = new Curve(name, axis);
      this.#curves.set(name, curve);
    }
    return curve;
  }

  /** Takes in `count` rows from the `first` one of the block on. */
  #ingest(state: SetState, data: Float64Array, first: number, count: number, stride: number): void {
    if (count === 0) return;
    const at = first * stride;
    const { axis, curves } = state;
    for (const [column, curve] of curves.entries()) {
      if (curve === null) continue;
      if (curve.axis !== axis && !this.#ownAxis.has(curve)) {
        curve.axis = curve.axis.fork(curve.length);
        this.#ownAxis.add(curve);
      }
      if (this.#ownAxis.has(curve)) curve.axis.append(data, at + 1, stride, count, this.#rows);
      curve.append(data, at + ROW_PREFIX + column, stride, count);
    }
    axis.append(data, at + 1, stride, count, this.#rows);
    if (state.hasMetrics) this.#firstMetric ??= { row: this.#rows, step: data[at + 2]! };
    this.#rows += count;
    this.#note(data, at, count, stride);
  }

  #note(data: Float64Array, at: number, count: number, stride: number): void {
    let step = this.#newest?.step ?? -Infinity;
    for (let i = 0, p = at + 2; i < count; i++, p += stride) if (data[p]! > step) step = data[p]!;
    this.#newest = { step, time: data[at + (count - 1) * stride + 1]! };
    const skipped = Math.max(0, count - RATE_ROWS);
    if (skipped > 0) this.#rate.skip();
    for (let i = skipped; i < count; i++) this.#rate.add(data[at + i * stride + 2]!, data[at + i * stride + 1]!);
  }
}
