/** Which recipe a file of rows is most likely meant for, told by its name and its first bytes. The form offers the others. Pure. */

const CANDLES = ["open", "high", "low", "close"];

/** @param head the beginning of the file */
export function recipeForDataset(file: string, head: string): string {
  const first = head.split(/\r?\n/, 1)[0] ?? "";
  const columns = first
    .toLowerCase()
    .split(/[,;\t]/)
    .map((column) => column.trim().replace(/^"|"$/g, ""));
  if (/\.(csv|tsv)$/i.test(file) && CANDLES.every((name) => columns.includes(name))) return "forecast";
  return /"chosen"\s*:/.test(head) && /"rejected"\s*:/.test(head) ? "trl-dpo" : "hf-lora";
}
