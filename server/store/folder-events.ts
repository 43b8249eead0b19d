/**
 * fs.watch on one folder, as a hint only: whoever uses it looks by itself as well. Network mounts, some containers and a system without
 * watches left deliver no events; `TRAINYARD_WATCH=poll` does without them altogether.
 */
import { watch } from "node:fs";

export interface FolderEvents {
  close(): void;
}

/**
 * @param onEvent gets the name of the entry that changed, null when the system does not say
 * @param onEnd the watch is over: the folder went away
 * @returns null when the folder cannot be watched (now)
 */
export function folderEvents(folder: string, onEvent: (name: string | null) => void, onEnd: () => void): FolderEvents | null {
  if (process.env["TRAINYARD_WATCH"] === "poll") return null;
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      onEvent(name);
    });
    watcher.on("error", () => {
      watcher.close();
      onEnd();
    });
    return watcher;
  } catch {
    return null;
  }
}
