/** The document around an application: no margins, full height. Constructed style sheets need no allowance in the page's policy. */
export function mountPage(application: HTMLElement): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    html, body { height: 100%; margin: 0; padding: 0; overflow: hidden; background: var(--vscode-editor-background); }
    body { color: var(--vscode-foreground); }
  `);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  document.body.replaceChildren(application);
}
