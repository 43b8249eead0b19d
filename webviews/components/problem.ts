/** Any failure as one that can be shown: nothing that goes wrong in the background may end in the console alone. */
import { TrainyardError } from "../../protocol/errors.ts";

export function asProblem(error: unknown): TrainyardError {
  if (error instanceof TrainyardError) return error;
  // A fault of this page, not of the run: its stack helps whoever mends it.
  console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  return new TrainyardError("internal", `this page failed: ${message}`, "Reload it; the run itself is not touched.", [], { cause: error });
}

/** The message and what to do next, as one text. */
export function problemText({ message, hint, problems }: TrainyardError): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  const shown = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  const details = problems.map((problem) => `${problem.field === "" ? "" : `${problem.field}: `}${problem.message}`);
  return [shown, hint, ...details].filter((part) => part !== null).join(" ");
}

/** Does what the user asked for. @returns what to show above the page: the failure as a text, or null */
export async function problemOf(action: () => Promise<void>): Promise<string | null> {
  try {
    await action();
    return null;
  } catch (error) {
    return problemText(asProblem(error));
  }
}
