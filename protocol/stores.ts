/** Stores that a server shows beside its own. It reads them and never writes to them: each is changed by its own server. */
import * as z from "zod";
import { RUN_FOLDER_VERSION } from "./constants.ts";
import { Problem } from "./errors.ts";
import { Instant } from "./json.ts";

/** What a store is called in lists and filters (`record.store`), and in addresses. */
export const StoreName = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[^\s/\\\p{Cc}](?:[^/\\\p{Cc}]*[^\s/\\\p{Cc}])?$/u, "no slashes, and no blanks around it");

/** Where a run lies. */
export const StoreOrigin = z.object({
  name: StoreName,
  /** Absolute path. */
  path: z.string(),
  /** The server's own store; runs of any other can be looked at here and not changed. */
  own: z.boolean(),
});
export type StoreOrigin = z.infer<typeof StoreOrigin>;

export const OtherStoreRecord = z.object({ name: StoreName, path: z.string().min(1), added_at: Instant });
export type OtherStoreRecord = z.infer<typeof OtherStoreRecord>;

/** <store>/stores.json */
export const StoresFile = z.object({ version: z.literal(RUN_FOLDER_VERSION), stores: z.array(OtherStoreRecord) });
export type StoresFile = z.infer<typeof StoresFile>;

export const StoreStatus = StoreOrigin.extend({
  /** `unavailable`: `problem` says why. It is looked for again and again, and shown as soon as it is back. */
  state: z.enum(["opening", "open", "unavailable"]),
  problem: z.string().nullable(),
  runs: z.number().int().nonnegative(),
  live_runs: z.number().int().nonnegative(),
  /** Runs that lie in a store before it in the list as well: those are shown there. */
  duplicates: z.number().int().nonnegative(),
  /** Null for the server's own. */
  added_at: Instant.nullable(),
});
export type StoreStatus = z.infer<typeof StoreStatus>;

/** The server's own first, then in the order they were added. */
export const StoreList = z.object({ stores: z.array(StoreStatus), problems: z.array(Problem) });
export type StoreList = z.infer<typeof StoreList>;

const Folder = z.string().min(1).max(4096);
export const SearchStores = z.object({ folder: Folder });

export const FoundStore = z.object({
  path: z.string(),
  /** What it is called, or would be. */
  name: StoreName,
  /** Folders of runs in it. */
  runs: z.number().int().nonnegative(),
  /** Is it shown already? */
  added: z.boolean(),
});
export type FoundStore = z.infer<typeof FoundStore>;

export const FoundStores = z.object({
  folder: z.string(),
  stores: z.array(FoundStore),
  /** Folders that were looked at. */
  folders: z.number().int(),
  /** There were too many folders: some were not looked at. */
  truncated: z.boolean(),
  /** Folders that could not be read. */
  problems: z.array(Problem),
});
export type FoundStores = z.infer<typeof FoundStores>;

/** A store, or a folder that holds stores up to two levels below it: all of them are added. A name is for one store. */
export const AddStores = z.object({ path: Folder, name: StoreName.optional() });
export type AddStores = z.infer<typeof AddStores>;

export const AddedStores = z.object({
  added: z.array(StoreStatus),
  /** Paths of stores that were shown already. */
  known: z.array(z.string()),
  problems: z.array(Problem),
});
export type AddedStores = z.infer<typeof AddedStores>;

export const StoreParam = z.object({ store: StoreName });
