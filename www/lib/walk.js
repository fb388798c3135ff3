// @ts-check
/**
 * What a drop or a folder holds, in the order of names. Files are handed on as they are found and not
 * read here.
 *
 * @typedef {{ name: string, path: string, blob: Blob }} Found
 */

export const PICTURE = /\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|heic|heif|avif)$/i;

/** @param {File} file @param {string} [path] @returns {Found} */
export const found = (file, path) => ({ name: file.name, path: path || file.webkitRelativePath || file.name, blob: file });

/** @param {FileSystemDirectoryEntry} directory @returns {Promise<FileSystemEntry[]>} */
async function list(directory) {
  const reader = directory.createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (;;) {
    // The reader gives at most a hundred at a time, then an empty list.
    const part = /** @type {FileSystemEntry[]} */ (
      await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    );
    if (part.length === 0) break;
    entries.push(...part);
  }
  return entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** @param {FileSystemEntry} entry @param {(file: File, path: string) => void} each */
export async function walk(entry, each) {
  if (entry.isFile) {
    const file = /** @type {File} */ (
      await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject))
    );
    each(file, entry.fullPath.replace(/^\//, ""));
    return;
  }
  for (const child of await list(/** @type {FileSystemDirectoryEntry} */ (entry))) await walk(child, each);
}

/**
 * What a drop holds. The list empties when the handler of the drop returns: everything is taken out at once.
 * @param {DataTransfer} data
 */
export function contents(data) {
  /** @type {FileSystemEntry[]} */
  const directories = [];
  /** @type {File[]} */
  const files = [];
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    const file = entry?.isDirectory ? null : item.getAsFile();
    if (entry?.isDirectory) directories.push(entry);
    else if (file) files.push(file);
  }
  return { directories, files };
}

/** Every file of a drop, with its path; none is left out. @param {FileSystemEntry[]} directories @param {File[]} files */
export async function everything(directories, files) {
  const all = files.map((file) => found(file));
  for (const directory of directories) await walk(directory, (file, path) => all.push(found(file, path)));
  return all;
}
