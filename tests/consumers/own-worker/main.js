// The page of a consumer with its own worker: shows what the worker says.

const worker = new Worker(new URL('./chats.worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => {
  document.body.dataset.result = JSON.stringify(data);
};
worker.onerror = ({ message }) => {
  document.body.dataset.result = JSON.stringify({ error: message ?? 'the worker did not load' });
};
