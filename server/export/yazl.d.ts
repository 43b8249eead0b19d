/** What is used of yazl, which comes without types. */
declare module "yazl" {
  export interface EntryOptions {
    readonly mtime?: Date;
    readonly mode?: number;
    readonly compress?: boolean;
    readonly forceZip64Format?: boolean;
  }
  /** Entries are written one after the other, in the order in which they were added. */
  export class ZipFile {
    readonly outputStream: NodeJS.ReadableStream & { destroy(error?: Error): void };
    addReadStream(stream: NodeJS.ReadableStream, path: string, options?: EntryOptions): void;
    addBuffer(content: Buffer, path: string, options?: EntryOptions): void;
    addEmptyDirectory(path: string, options?: Pick<EntryOptions, "mtime" | "mode">): void;
    end(): void;
  }
}
