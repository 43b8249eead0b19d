/** What a run produced, as the list shows it: a file each, and the images that were logged under one name as one entry with steps. Pure. */
import type { Artifact } from "../../protocol/artifact.ts";

export interface ArtifactFile {
  /** As the server lists it, and takes it back. */
  readonly path: string;
  readonly size_bytes: number;
  readonly modified_at: string;
  /** Step at which it was logged, or null where nobody said. */
  readonly step: number | null;
}

export interface ArtifactEntry {
  /** Stays the same while files come and go. */
  readonly key: string;
  readonly label: string;
  /** What kind of thing it is, for people: `image`, `model`, `csv`. */
  readonly type: string;
  /** Of all files together. */
  readonly size_bytes: number;
  /** By step; one unless these are images of one name. Empty for a folder whose content is not listed. */
  readonly files: readonly ArtifactFile[];
  /** Where it lies: inside the run's artifacts folder, or absolute. */
  readonly path: string;
}

/** Where log_image keeps its pictures; docs/run-folder.md. */
const STEP_IMAGE = /^images\/([^]+)\/(\d{1,16})\.png$/;

/** @param artifacts as the server lists them, by path */
export function entriesOf(artifacts: readonly Artifact[]): ArtifactEntry[] {
  const holding = foldersOf(artifacts);
  const series = new Map<string, Artifact[]>();
  for (const artifact of artifacts) {
    if (artifact.is_directory && holding.has(artifact.path)) continue;
    const name = artifact.is_directory ? undefined : STEP_IMAGE.exec(artifact.path)?.[1];
    const key = name === undefined ? artifact.path : `images/${name}`;
    const group = series.get(key);
    if (group === undefined) series.set(key, [artifact]);
    else group.push(artifact);
  }
  return [...series].map(([key, group]) => entryOf(key, group));
}

/** Folders with a file in the list: it stands for them. */
function foldersOf(artifacts: readonly Artifact[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path, is_directory: isDirectory } of artifacts) {
    if (isDirectory) continue;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) folders.add(path.slice(0, end));
  }
  return folders;
}

function entryOf(key: string, group: readonly Artifact[]): ArtifactEntry {
  const [first] = group;
  const images = key !== first?.path;
  const files = group
    .filter((artifact) => !artifact.is_directory)
    .map(({ path, size_bytes, modified_at, metadata }) => ({ path, size_bytes, modified_at, step: stepOf(path, metadata["step"]) }))
    .sort((a, b) => (a.step ?? 0) - (b.step ?? 0));
  return {
    key,
    // The name as it was logged; the folder's has all but letters and digits replaced.
    label: images ? (group.find((one) => one.metadata["type"] === "image")?.name ?? key.slice("images/".length)) : key,
    type: first === undefined ? "" : typeOf(first, images),
    size_bytes: group.reduce((sum, one) => sum + one.size_bytes, 0),
    files,
    path: key,
  };
}

function stepOf(path: string, said: unknown): number | null {
  if (typeof said === "number" && Number.isSafeInteger(said) && said >= 0) return said;
  const digits = STEP_IMAGE.exec(path)?.[2];
  return digits === undefined ? null : Number(digits);
}

/** The kind that the run or its file's name says; of what is "other", the ending. */
function typeOf({ path, kind, is_directory: isDirectory }: Artifact, image: boolean): string {
  if (image) return "image";
  if (kind !== "other") return kind;
  if (isDirectory) return "folder";
  return /\.([A-Za-z\d]{1,12})$/.exec(path)?.[1]?.toLowerCase() ?? "file";
}
