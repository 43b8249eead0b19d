/** The regions of a page: F6 goes from one to the next, as everywhere in the editor. */
import { LitElement } from "lit";

/**
 * The base of an element that is a region: the focus that it is given goes on to what `selector` finds in it, which has `tabindex="-1"`.
 * A host that took the focus itself, by no Tab, would keep Tab from all that is in it.
 */
export function regionElement(selector: string): typeof LitElement {
  return class extends LitElement {
    override focus(options?: FocusOptions): void {
      this.renderRoot.querySelector<HTMLElement>(selector)?.focus(options);
    }
  };
}

/**
 * F6 gives the focus to the region after the one that the event met, Shift+F6 to the one before it; other keys are left alone.
 * @param regions in their order on the page
 */
export function moveRegionFocus(event: KeyboardEvent, regions: readonly HTMLElement[]): void {
  if (event.key !== "F6") return;
  event.preventDefault();
  const path = event.composedPath();
  const at = regions.findIndex((region) => path.includes(region));
  const next = event.shiftKey ? (at <= 0 ? regions.length - 1 : at - 1) : (at + 1) % regions.length;
  regions[next]?.focus();
}
