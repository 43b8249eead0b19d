/** An error as one text for a notification: what happened, the fields it is about, what to do next. Pure. */
import { TrainyardError } from "../protocol/trainyard-error.ts";

const MAX_PROBLEMS = 3;

export function typedError(error: unknown): TrainyardError {
  return error instanceof TrainyardError
    ? error
    : new TrainyardError("internal", error instanceof Error ? error.message : String(error), null, [], { cause: error });
}

export function errorText(error: unknown): string {
  const { message, problems, hint } = typedError(error);
  const serious = problems.filter((problem) => problem.severity === "error");
  const details = serious.slice(0, MAX_PROBLEMS).map(({ field, message: text }) => (field === "" ? text : `${field}: ${text}`));
  return [message, ...details, hint]
    .filter((part) => part !== null)
    .map(sentence)
    .join(" ");
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
