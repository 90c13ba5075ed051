// Gives the reader a file of his own. Knows nothing of what is in it.

export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download reads the blob after this turn; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The day, as file names have it: 2026-01-31. */
export function today(): string {
  return new Date().toLocaleDateString('sv');
}

/** A title as part of a file name, on any system. */
export function fileName(title: string): string {
  const name = title
    .replace(/[\p{Cc}<>:"/\\|?*]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return name.replace(/^\.+|[. ]+$/g, '') || 'chat';
}
