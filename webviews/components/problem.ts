/** Any failure as one that can be shown: nothing that goes wrong in the background may end in the console alone. */
import { type Problem, TrainyardError } from "../../protocol/errors.ts";

export function asProblem(error: unknown): TrainyardError {
  if (error instanceof TrainyardError) return error;
  // A fault of this page, not of the run: its stack helps whoever mends it.
  console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  return new TrainyardError("internal", `this page failed: ${message}`, "Reload it; the run itself is not touched.", [], { cause: error });
}

/** With its full stop, so that a hint can follow. */
function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** What is wrong with a value, where its name stands already: a message may begin with it. @param name as the document calls it */
export function besideField({ message, hint }: Pick<Problem, "message" | "hint">, name: string): { message: string; hint: string | null } {
  const own = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return { message: hint === null ? own : sentence(own), hint };
}

/** The message and what to do next, as one text. */
export function problemText({ message, hint, problems }: TrainyardError): string {
  const said = sentence(message);
  const shown = said.charAt(0).toUpperCase() + said.slice(1);
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
