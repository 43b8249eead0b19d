/** Compiles the Vega-Lite frames; see build-frames.mjs. */
export function compileFrames(): Record<string, unknown>;
