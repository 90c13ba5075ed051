/**
 * One worker message a call and one an answer, for the peers that come without a client of their own. A worker carries out one
 * call at a time, in order, as these databases have one connection.
 */

/** The page's side: `call(method, ...args)` resolves to what the worker's method gave. */
export function caller(worker) {
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, value, error } }) => {
    const [resolve, reject] = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  };
  return (method, ...args) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, [resolve, reject]);
      worker.postMessage({ id: last, method, args });
    });
}

/** The worker's side. */
export function serve(methods) {
  let before = Promise.resolve();
  globalThis.onmessage = ({ data: { id, method, args } }) => {
    before = before
      .then(() => methods[method](...args))
      .then(
        (value) => postMessage({ id, value }),
        (error) => postMessage({ id, error: String(error?.stack ?? error) }),
      );
  };
}
