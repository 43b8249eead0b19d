/** A zip that is read entry by entry, with what is wrong in it told as typed errors. */
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { TrainyardError } from "../../protocol/errors.ts";
import { cannotImport, messageOf } from "./refused.ts";

const MAX_ENTRIES = 1_000_000;

/** @throws TrainyardError bad_request from every method: the file is damaged, or no zip that could be ours */
export class Zip {
  readonly file: string;
  readonly #zip: ZipFile;
  readonly #entries = new Map<string, Entry>();

  private constructor(file: string, zip: ZipFile) {
    this.file = file;
    this.#zip = zip;
  }

  static async open(file: string): Promise<Zip> {
    const opened = await openPromise(file, { lazyEntries: true, autoClose: false, strictFileNames: true }).catch((error: unknown) => {
      throw cannotImport(file, messageOf(error), error);
    });
    const zip = new Zip(file, opened);
    try {
      await zip.#list();
      return zip;
    } catch (error) {
      opened.close();
      throw error instanceof TrainyardError ? error : cannotImport(file, messageOf(error), error);
    }
  }

  close(): void {
    this.#zip.close();
  }

  /** Names of all entries; those of folders end in `/`. */
  names(): IterableIterator<string> {
    return this.#entries.keys();
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** It is opened when the first piece is asked for: an error of a stream that nobody reads yet would be lost. */
  async *read(name: string): AsyncGenerator<Buffer> {
    const entry = this.#entry(name);
    if (entry.isEncrypted()) throw cannotImport(this.file, `${name} is encrypted`);
    try {
      const stream = await this.#zip.openReadStreamPromise(entry);
      // The first error is heard below; damaged data goes on to give others, for which nobody waits and which would end the server.
      stream.on("error", () => undefined);
      yield* stream as AsyncIterable<Buffer>;
    } catch (error) {
      throw cannotImport(this.file, `${name}: ${messageOf(error)}`, error);
    }
  }

  /** @param most bytes that such an entry may have */
  async text(name: string, most: number): Promise<string> {
    if (this.#entry(name).uncompressedSize > most) throw cannotImport(this.file, `${name} is larger than any such entry`);
    const pieces: Buffer[] = [];
    for await (const piece of this.read(name)) pieces.push(piece);
    return Buffer.concat(pieces).toString("utf8");
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw cannotImport(this.file, `it holds no ${name}`);
    return entry;
  }

  async #list(): Promise<void> {
    if (this.#zip.entryCount > MAX_ENTRIES) throw cannotImport(this.file, `it holds more than ${MAX_ENTRIES} entries`);
    for await (const entry of this.#zip.eachEntry()) {
      if (this.#entries.has(entry.fileName)) throw cannotImport(this.file, `it holds ${entry.fileName} twice`);
      this.#entries.set(entry.fileName, entry);
    }
  }
}
