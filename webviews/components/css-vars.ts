/**
 * Sets style properties of an element through the CSS object model. A `style` attribute in a template would be refused by the
 * Content Security Policy, which allows no inline styles.
 */
import { directive, Directive, type ElementPart } from "lit/directive.js";
import { noChange } from "lit";

class CssProperties extends Directive {
  /** Called without a document only (server-side rendering), where there is nothing to set; its type is that of the call in a template. */
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- see above
  render(_properties: Readonly<Record<string, string>>): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [properties]: [Readonly<Record<string, string>>]): typeof noChange {
    const { style } = part.element as HTMLElement;
    for (const [name, value] of Object.entries(properties)) style.setProperty(name, value);
    return noChange;
  }
}

/** `<div ${cssProperties({ "--at": "40%" })}>` */
export const cssProperties = directive(CssProperties);
