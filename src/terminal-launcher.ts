/** The file behind the `trainyard` command of integrated terminals. */

/** What the launcher is called and holds. Electron runs a script as Node does when ELECTRON_RUN_AS_NODE is set; Node ignores it. */
export function launcherFile(platform: NodeJS.Platform, node: string, cli: string): { name: string; text: string } {
  if (platform === "win32")
    return { name: "trainyard.cmd", text: `@echo off\r\nsetlocal\r\nset ELECTRON_RUN_AS_NODE=1\r\n"${node}" "${cli}" %*\r\n` };
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  return { name: "trainyard", text: `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${quote(node)} ${quote(cli)} "$@"\n` };
}
