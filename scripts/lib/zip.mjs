// The names in a zip file (a .vsix is one), read from its central directory: no unzip program is needed.
const END_OF_DIRECTORY = 0x06054b50;
const ENTRY = 0x02014b50;

/**
 * @param {Buffer} bytes the whole file
 * @returns {string[]} names of the entries that are files
 */
export function listZip(bytes) {
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  if (end < 0) throw new Error("not a zip file: it has no central directory");
  const count = bytes.readUInt16LE(end + 10);
  const names = [];
  for (let i = 0, at = bytes.readUInt32LE(end + 16); i < count; i++) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw new Error(`the zip file's directory is damaged at byte ${at}`);
    const length = bytes.readUInt16LE(at + 28);
    names.push(bytes.toString("utf8", at + 46, at + 46 + length));
    at += 46 + length + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return names.filter((name) => !name.endsWith("/"));
}
