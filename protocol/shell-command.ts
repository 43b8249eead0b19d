/** An attempt's command as it can be pasted into a terminal. Pure. */

/** POSIX quoting; plain words stay as they are. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The variables of ours would make a pasted command write into the finished run: they are left out. */
export function shellCommand(attempt: {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}): string {
  const env = Object.entries(attempt.env)
    .filter(([name]) => !name.startsWith("TRAINYARD_") && name !== "PYTHONPATH" && name !== "PYTHONUNBUFFERED")
    .map(([name, value]) => `${name}=${quote(value)} `)
    .join("");
  return `cd ${quote(attempt.cwd)} && ${env}${attempt.command.map(quote).join(" ")}`;
}
