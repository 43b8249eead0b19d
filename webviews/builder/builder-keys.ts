/** Keys of the builder's page: Ctrl+Enter starts, Alt+1 to 9 go to a section, Ctrl+Z and its opposite step through a draft. */
import { DraftDocument, type RunDocument } from "./run-document.ts";

export interface BuilderActions {
  readonly start: () => void;
  /** What stands half typed in a field gives way to the document. */
  readonly forgetTyping: () => void;
  /** @param index from 0 */
  readonly goTo: (index: number) => void;
}

export function onBuilderKey(event: KeyboardEvent, document: RunDocument, actions: BuilderActions): void {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === "Enter") actions.start();
  else if (command && /^[zy]$/i.test(event.key) && document instanceof DraftDocument) {
    // The text of a field follows the document; its own undo would part from it. A file's undo is the editor's.
    actions.forgetTyping();
    if (event.shiftKey || event.key.toLowerCase() === "y") document.redo();
    else document.undo();
  } else if (event.altKey && /^[1-9]$/.test(event.key)) actions.goTo(Number(event.key) - 1);
  else return;
  event.preventDefault();
}
