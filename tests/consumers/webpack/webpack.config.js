// webpack's own defaults, and where the page is.
export default {
  mode: 'production',
  entry: './main.js',
};
