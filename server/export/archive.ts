/** Run folders as one zip, streamed: every file as it is, and at the end the list by which an import checks them. */
import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:fs";
import { lstat, open, readdir, readlink, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { ZipFile } from "yazl";
import {
  ARCHIVE_MANIFEST,
  ARCHIVE_VERSION,
  archivedFolder,
  archivedName,
  type ArchivedFile,
  type ArchivedRun,
  type ArchiveManifest,
} from "../../protocol/archive.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { relativeInside } from "../store/artifacts.ts";
import { isAbsent, systemCode } from "../store/fs-errors.ts";
import type { ExportJob } from "./job.ts";

const READ_BYTES = 256 * 1024;
/** Larger files are weights, which hardly shrink. */
const COMPRESSED_BYTES = 32 * 1024 * 1024;
/** A size that is not known beforehand and may pass 32 bits needs the wider fields. */
const ZIP64_BYTES = 0xf000_0000;
/** What the store itself has in the works: half-written files and checkpoints on their way out. */
const UNFINISHED = /^\..*\.tmp$|^\.removed-/;

/** @throws TrainyardError bad_request: an archive holds whole folders, not chosen metrics */
export async function* writeArchive(job: ExportJob): AsyncGenerator<Uint8Array> {
  if (job.provenance.query.metrics.some((name) => name !== "*"))
    throw new TrainyardError("bad_request", "an archive holds whole run folders, not chosen metrics", "Leave metrics out.");
  const packer = new Packer();
  const packed = packer.pack(job).catch((error: unknown) => {
    packer.zip.outputStream.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const piece of packer.zip.outputStream) yield piece as Buffer;
  } finally {
    // Whoever reads may have had enough.
    packer.close();
    await packed;
  }
}

class Packer {
  readonly zip = new ZipFile();
  /** The file that is just being read. */
  #reading: Readable | null = null;
  #isWanted = (): boolean => true;

  async pack(job: ExportJob): Promise<void> {
    const { version, store, exported_at } = job.provenance;
    const archived: ArchivedRun[] = [];
    for (const { id, project } of job.runs)
      archived.push(await this.#packRun({ id, project, folder: job.folder(id), files: [], folders: [], links: [], left_out: [] }));
    const manifest: ArchiveManifest = { archive: ARCHIVE_VERSION, version, store, exported_at, runs: archived };
    this.zip.addBuffer(Buffer.from(JSON.stringify(manifest, null, 1)), ARCHIVE_MANIFEST);
    this.zip.end();
  }

  close(): void {
    this.#isWanted = () => false;
    this.#reading?.destroy();
    this.zip.outputStream.destroy();
  }

  async #packRun(run: ArchivedRun): Promise<ArchivedRun> {
    const names = new Set<string>();
    const waiting = [""];
    for (let folder = waiting.shift(); folder !== undefined && this.#isWanted(); folder = waiting.shift()) {
      const inside = await readdir(path.join(run.folder, folder)).catch((error: unknown) => {
        // Of the run itself there has to be something.
        if (folder === "" || !isAbsent(error)) throw error;
        return [];
      });
      const kept = inside.filter((name) => !UNFINISHED.test(name)).sort();
      if (kept.length === 0) {
        this.zip.addEmptyDirectory(entryOf(run, folder));
        run.folders.push(folder);
      }
      for (const each of kept) {
        if (!this.#isWanted()) return run;
        const file = path.posix.join(folder, each);
        const info = await lstat(path.join(run.folder, file)).catch(() => null);
        if (info === null) continue; // It went meanwhile, as checkpoints do.
        if (info.isDirectory()) waiting.push(file);
        else if (names.has(archivedName(file))) run.left_out.push(`${file}: another file has its name, spelt for a zip`);
        else if (info.isSymbolicLink()) await this.#addLink(run, file);
        else if (info.isFile()) await this.#addFile(run, file);
        else run.left_out.push(`${file}: a device, a socket or a pipe`);
        names.add(archivedName(file));
      }
    }
    return run;
  }

  async #addLink(run: ArchivedRun, file: string): Promise<void> {
    const place = path.join(run.folder, file);
    const target = path.resolve(path.dirname(place), await readlink(place));
    const inside = relativeInside(run.folder, target);
    if (inside === null) run.left_out.push(`${file}: a link that leads out of the run folder`);
    else {
      const link = { path: file, target: path.relative(path.dirname(place), target) || "." };
      this.zip.addBuffer(Buffer.from(link.target), entryOf(run, file), { mode: 0o120777, compress: false });
      run.links.push(link);
    }
  }

  async #addFile(run: ArchivedRun, file: string): Promise<void> {
    // Not through a link, and without waiting for the writer of a pipe: what was looked at may be something else by now.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(path.join(run.folder, file), flags).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      if (systemCode(error) !== "EACCES") throw error;
      run.left_out.push(`${file}: it may not be read`);
      return null;
    });
    if (handle === null) return;
    const { size, mtimeMs, mtime, mode } = await handle.stat();
    const read = { hash: createHash("sha256"), bytes: 0 };
    // What is appended from now on belongs to a later export.
    const stream = Readable.from(pieces(handle, size, read), { objectMode: false });
    this.#reading = stream;
    const options = { mtime, mode: 0o100000 | (mode & 0o777), compress: size <= COMPRESSED_BYTES, forceZip64Format: size > ZIP64_BYTES };
    this.zip.addReadStream(stream, entryOf(run, file), options);
    try {
      await once(stream, "close");
    } finally {
      this.#reading = null;
      await handle.close();
    }
    const archived: ArchivedFile = { path: file, bytes: read.bytes, sha256: read.hash.digest("hex"), modified: mtimeMs };
    run.files.push(archived);
  }
}

function entryOf(run: ArchivedRun, file: string): string {
  return path.posix.join(archivedFolder(run), archivedName(file));
}

async function* pieces(handle: FileHandle, size: number, read: { readonly hash: Hash; bytes: number }): AsyncGenerator<Buffer> {
  while (read.bytes < size) {
    const wanted = Math.min(READ_BYTES, size - read.bytes);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, read.bytes);
    if (bytesRead === 0) return; // It was cut shorter meanwhile.
    const piece = buffer.subarray(0, bytesRead);
    read.hash.update(piece);
    read.bytes += bytesRead;
    yield piece;
  }
}
