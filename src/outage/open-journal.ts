import type { Clock } from "../core/clock.ts";
import { type Journal, type JournalEntry, writeJournal } from "./journal.ts";
import type { ResourceStack } from "./resource-stack.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export interface OpenJournalOptions {
  readonly clock: Clock;
  readonly resources: ResourceStack;
  /** The words that start deby; default: this very program. */
  readonly command?: readonly string[];
}

/** Writes the note, and sets the watchdog on it: from here on, whatever happens to this process is undone. */
export async function openJournal(entry: JournalEntry, options: OpenJournalOptions): Promise<Journal> {
  const { resources } = options;
  const dog: { watchdog?: Watchdog } = {};
  // Removed last: it watches until there is nothing left to heal.
  resources.add({ what: "the watchdog", limitMs: 10_000, remove: async () => await dog.watchdog?.dismiss() });
  const journal = await writeJournal(entry);
  resources.add({
    what: "the note about this run",
    limitMs: 5_000,
    // What could not be removed is still to be found by it.
    remove: async () => (resources.failures.length === 0 ? await journal.erase() : undefined),
  });
  dog.watchdog = await startWatchdog(journal.path, options);
  return journal;
}
