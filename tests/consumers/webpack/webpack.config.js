// webpack's own defaults, and where the page is. The wasm file is larger than the 244 KiB that
// webpack advises for an asset; nothing else may make it warn.
export default {
  mode: 'production',
  entry: './main.js',
  performance: { hints: false },
};
