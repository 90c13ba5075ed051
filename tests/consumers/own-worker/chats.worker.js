// A worker of the app's own, which runs the store beside whatever else it does.

import init, { ConversationStore } from 'conversation-store/wasm';
import { writeOrRead } from './conversation.js';

// No await at the top level: Vite makes classic workers unless told otherwise.
async function main() {
  try {
    await init();
    postMessage(await writeOrRead(await ConversationStore.open('consumer')));
  } catch (error) {
    postMessage({ error: `${error.name} (${error.code}): ${error.message}` });
  }
}

main();
