/** What stores are called. */
import path from "node:path";
import { StoreName } from "../../protocol/stores.ts";

/** Folders that are called after what they are, not after whose they are. */
const GENERIC = /^(\..*|trainyard|stores?|runs?|experiments?)$/i;

/**
 * A name for the store at `root` that none of `taken` has: that of its folder, or of the one above it where its own says nothing
 * (`/home/me/nightly/.trainyard` is `nightly`).
 */
export function storeName(root: string, taken: ReadonlySet<string>): string {
  const own = path.basename(root);
  const above = path.basename(path.dirname(root));
  const wanted = (GENERIC.test(own) && above !== "" ? above : own).trim().slice(0, 70);
  const base = StoreName.safeParse(wanted).success ? wanted : "store";
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
