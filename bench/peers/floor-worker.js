/**
 * The floor: what a worker and one OPFS access handle cost alone. Writes as many bytes as it is told in one write, flushes if it is
 * told, and answers; reads as many in one read.
 */

import { serve } from './calls.js';

let handle;
let at = 0;
let zeros = new Uint8Array(0);

function write(bytes, flush) {
  if (zeros.length < bytes) zeros = new Uint8Array(bytes);
  handle.write(zeros.subarray(0, bytes), { at });
  // A log that begins again after 20 MB.
  at = at > 20_000_000 ? 0 : at + bytes;
  if (flush) handle.flush();
}

serve({
  async open(name) {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle(name, { create: true });
    handle = await file.createSyncAccessHandle();
    if (handle.getSize() === 0) write(4_000_000, true);
  },
  write,
  read: (bytes) => {
    const buffer = new Uint8Array(bytes);
    handle.read(buffer, { at: 0 });
    return buffer;
  },
  save(conversations, flush) {
    for (const conversation of conversations) {
      const bytes = new TextEncoder().encode(JSON.stringify(conversation));
      handle.write(bytes, { at });
      at += bytes.length;
    }
    if (flush) handle.flush();
  },
  close: () => handle.close(),
});
