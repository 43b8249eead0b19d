/** `1 run`, `2 runs`, `12,345 runs`. @param many what follows other numbers, where that is not the word with an s: `processes`, `rows have` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
