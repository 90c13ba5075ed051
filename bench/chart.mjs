/**
 * The medians and their spread as an SVG, one group a measure, on one logarithmic axis of milliseconds: a dot is the
 * median, its line goes from the least to the most. Light and dark follow the reader. Knows no measure.
 */

const width = 960;
const left = 150;
const right = 90;
const lineHeight = 16;
const headHeight = 30;

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .head { font-weight: 600; }
  .axis { stroke: #d1d9e0; }
  .tick { fill: #59636e; }
  .peer { stroke: #6e7781; fill: #6e7781; }
  .floor { stroke: #9a6700; fill: #9a6700; }
  .ours { stroke: #0969da; fill: #0969da; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .axis { stroke: #3d444d; }
    .tick { fill: #9198a1; }
    .peer { stroke: #9198a1; fill: #9198a1; }
    .floor { stroke: #d29922; fill: #d29922; }
    .ours { stroke: #4493f8; fill: #4493f8; }
    .page { fill: #0d1117; }
  }`;

const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 1 ? 3 : 2);

export function chart(figures, measures, contestants, median) {
  const all = measures.flatMap((measure) => Object.values(figures[measure]).flat());
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const x = (value) => left + ((Math.log10(value) - low) / (high - low)) * (width - left - right);
  const parts = [];
  let y = 40;
  for (const measure of measures) {
    parts.push(`<text class="head" x="8" y="${y}">${measure}, ms</text>`);
    y += 18;
    for (const name of contestants) {
      const values = figures[measure][name];
      if (!values) continue;
      const kind = name === 'ours' || name === 'floor' ? name : 'peer';
      const [from, to] = [Math.min(...values), Math.max(...values)].map((value) =>
        x(value).toFixed(1),
      );
      const at = x(median(values)).toFixed(1);
      parts.push(
        `<text x="20" y="${y}">${name}</text>`,
        `<line class="${kind}" stroke-width="2" x1="${from}" x2="${to}" y1="${y - 4}" y2="${y - 4}"/>`,
        `<circle class="${kind}" cx="${at}" cy="${y - 4}" r="4"/>`,
        `<text x="${width - right + 16}" y="${y}">${number(median(values))}</text>`,
      );
      y += lineHeight;
    }
    y += headHeight - lineHeight;
  }
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)).map(
    (value) =>
      `<line class="axis" x1="${x(value)}" x2="${x(value)}" y1="26" y2="${y - 20}"/>` +
      `<text class="tick" text-anchor="middle" x="${x(value)}" y="18">${value} ms</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" role="img" aria-label="Medians and spread of every measure by contestant">
<style>${style}
</style>
<rect class="page" width="${width}" height="${y}"/>
<text class="tick" x="8" y="18">lower is better</text>
${[...ticks, ...parts].join('\n')}
</svg>
`;
}
