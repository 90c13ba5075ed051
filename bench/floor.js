// The floor: a worker that writes and flushes the same bytes to one OPFS file and answers.

let handle;
globalThis.onmessage = async ({ data }) => {
  if (data.open) {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle('floor', { create: true });
    handle = await file.createSyncAccessHandle();
  } else {
    handle.write(new Uint8Array(data.bytes), { at: data.at });
    if (data.flush) handle.flush();
  }
  postMessage(0);
};
