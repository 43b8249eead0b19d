/** Killed between run.json and events.jsonl: the next server writes the event that is missing, once, and none of a change that never came to be. */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { RunEvent } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";
import { EventJournal } from "../../server/runs/event-journal.ts";
import { closeRoom, ended, roomForEachTest, shell } from "./room-fixture.ts";

const here = roomForEachTest();

const journalFile = (): string => path.join(here.dir, "events.journal");

/** What is in the run's files. */
async function written(id: RunId): Promise<{ state: string; events: RunEvent[] }> {
  const { record } = await here.room.store.read(id);
  return { state: record.state, events: await here.room.store.events(id) };
}

async function restart(): Promise<void> {
  await closeRoom(here.room);
  await here.open({ journal: EventJournal.open(here.dir) });
}

it("a change is noted while it is being written, and nothing is left of it afterwards", async () => {
  await restart();
  const { append } = watchEvents();
  const { id } = await here.room.runs.create({ spec: shell("exit 0"), start: true, queue: false });
  await ended(here.room, id);
  const { state, events } = await written(id);
  expect(state).toBe("completed");
  expect(events.map((event) => event.type === "state" && event.to)).toEqual(["queued", "starting", "running", "completed"]);
  // Each event but the first, which lies in the folder before it is a run, was in the journal when it was about to be written.
  expect(append).toEqual(events.slice(1));
  expect(await readFile(journalFile(), "utf8")).toBe("");

  /** The events that the journal holds at the moment when each of them goes to its file. */
  function watchEvents(): { append: RunEvent[] } {
    const seen: RunEvent[] = [];
    const { store } = here.room;
    const write = store.appendEvent.bind(store);
    store.appendEvent = async (run, event) => {
      const noted = (await readFile(journalFile(), "utf8")).trimEnd().split("\n").at(-1) ?? "";
      seen.push((JSON.parse(noted) as { event: RunEvent }).event);
      await write(run, event);
    };
    return { append: seen };
  }
});

it("is finished by the next server where the record was written, and forgotten where it was not", async () => {
  await restart();
  const { id } = await here.room.runs.create({ spec: shell("exit 0"), start: true, queue: false });
  await ended(here.room, id);
  const draft = (await here.room.runs.create({ spec: shell("exit 0"), start: false, queue: false })).id;
  const { events } = await written(id);
  const { eventsJsonl } = here.room.store.paths(id);
  await closeRoom(here.room);

  const lines = (await readFile(eventsJsonl, "utf8")).trimEnd().split("\n");
  const last = lines.at(-1)!;
  const done = { id, changes: { state: "completed" }, event: events.at(-1) };
  const undone = {
    id: draft,
    changes: { name: "never" },
    event: { type: "edit", time: new Date().toISOString(), changes: { name: "never" } },
  };
  const gone = { ...undone, id: "run_00000000000000000" };
  // The event is cut in its middle, as a kill may leave it; so is what was noted last.
  await writeFile(eventsJsonl, `${lines.slice(0, -1).join("\n")}\n${last.slice(0, last.length / 2)}`);
  await appendFile(journalFile(), `${[done, undone, gone, done].map((one) => JSON.stringify(one)).join("\n")}\n{"id":"run_`);
  await here.open({ journal: EventJournal.open(here.dir) });
  expect(await written(id)).toEqual({ state: "completed", events });
  expect((await written(draft)).events.filter((event) => event.type === "edit")).toEqual([]);
  expect(await readFile(journalFile(), "utf8")).toBe("");
  // Once.
  await closeRoom(here.room);
  await appendFile(journalFile(), `${JSON.stringify(done)}\n`);
  await here.open({ journal: EventJournal.open(here.dir) });
  expect((await written(id)).events).toEqual(events);
});
