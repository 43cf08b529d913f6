// Where a file lay in what was chosen or dropped: folder/below/file.wav.

/** Browsers give files of dropped folders no path of their own. */
const dropped = new WeakMap<File, string>();

export function rememberPath(file: File, path: string): File {
  dropped.set(file, path.replace(/^\//, ''));
  return file;
}

export const pathOf = (file: File): string => file.webkitRelativePath || dropped.get(file) || file.name;
