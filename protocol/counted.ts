/** `1 run`, `2 runs`, `12,345 runs`. @param many where more of them are not called as one with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
