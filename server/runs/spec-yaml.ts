/** The document of a run that was asked for without one. */
import type { RunSpec } from "../../protocol/spec.ts";

/** YAML's own library is loaded with the first spec that needs it. */
export async function specYaml(spec: RunSpec): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(spec);
}
