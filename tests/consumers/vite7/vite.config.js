// Vite 7 bundles dependencies for its dev server with esbuild, which does not see the worker and
// the wasm file of this package: it has to be served as it is. Builds need nothing, nor does Vite 8.
export default {
  optimizeDeps: { exclude: ['conversation-store'] },
};
