/** The page around a web application: nothing but its module, its styles and a policy that lets nothing else in. Pure. */
import type { PanelTarget } from "../../protocol/webview.ts";

export interface PageOptions {
  /** `webview.cspSource` */
  readonly cspSource: string;
  readonly nonce: string;
  readonly script: string;
  readonly codicons: string;
  readonly title: string;
  readonly view: PanelTarget["view"];
}

export function panelPage(options: PageOptions): string {
  const { cspSource, nonce } = options;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource} 'nonce-${nonce}'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} data: blob:`,
    // Sounds that a run logged, as bytes that came over the transport.
    "media-src blob:",
  ].join("; ");
  // The codicon link's id is where <vscode-icon> looks for the font.
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="csp-nonce" nonce="${escapeHtml(nonce)}">
<link rel="stylesheet" id="vscode-codicon-stylesheet" href="${escapeHtml(options.codicons)}" nonce="${escapeHtml(nonce)}">
<title>${escapeHtml(options.title)}</title>
</head>
<body data-view="${options.view}">
<script type="module" nonce="${escapeHtml(nonce)}" src="${escapeHtml(options.script)}"></script>
</body>
</html>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${String(c.charCodeAt(0))};`);
}
