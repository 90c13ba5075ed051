/**
 * What a run found, as RESULTS.md and a chart: means, medians, spread, ratios within a round, and each goal marked met or not.
 * Knows no browser.
 */

import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { run } from '../scripts/run.mjs';
import { chart } from './chart.mjs';
import { notes } from './notes.mjs';

/** Contestants that are compared with for their SQL. */
const sql = ['sqlite-wal', 'sqlite-rollback', 'wa-sqlite', 'sqlocal', 'pglite'];
const peers = ['indexeddb', ...sql];

const sorted = (values) => values.toSorted((a, b) => a - b);
const median = (values) => {
  const order = sorted(values);
  return (order[(order.length - 1) >> 1] + order[order.length >> 1]) / 2;
};
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Three digits that count. */
const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2));

const spread = (values) => {
  const order = sorted(values);
  return `${digits(order[0])} to ${digits(order.at(-1))}`;
};

/** Ratios of two contestants in the same round. */
const ratios = (above, below) => above.map((value, round) => value / below[round]);

const table = (head, rows) =>
  [head, head.map((_, n) => (n === 0 ? '---' : '--:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

/** The peer with the least median, of those that have the measure. */
function fastest(of, names) {
  const known = names.filter((name) => of?.[name]);
  return known.toSorted((a, b) => median(of[a]) - median(of[b]))[0];
}

/** Each goal of the table: what it asks, what came out, and whether that is it. */
function goals({ figures, sizes, grown }) {
  const rows = [];
  const add = (work, goal, result, met) => rows.push([work, goal, result, met]);
  const missing = (work, goal, why) => add(work, goal, why, 'no');
  const words = (values, what) => `${median(values).toFixed(2)} × ${what} (${spread(values)})`;

  const floor = (measure, most) => {
    const goal = `at most ${most} × floor`;
    const { ours, floor } = figures[measure] ?? {};
    if (!ours || !floor) return missing(measure, goal, 'not measured');
    const found = ratios(ours, floor);
    const [, durability] = measure.split(', ');
    const alone = figures[`write of the text alone, ${durability}`]?.floor;
    const beside = alone
      ? `; ${median(ratios(ours, alone)).toFixed(2)} × a write of the text alone`
      : '';
    add(measure, goal, words(found, 'floor') + beside, median(found) <= most ? 'yes' : 'no');
  };
  const faster = (measure, times, names, whom) => {
    const goal = times > 1 ? `at least ${times} × faster than ${whom}` : `ahead of ${whom}`;
    const of = figures[measure];
    const other = fastest(of, names);
    if (!of?.ours) return missing(measure, goal, 'not built');
    if (!other) return missing(measure, goal, 'no peer was measured');
    const found = ratios(of[other], of.ours);
    const met = times > 1 ? median(found) >= times : median(found) > 1;
    add(measure, goal, words(found, `as fast as ${other}`), met ? 'yes' : 'no');
  };

  floor('addMessage, strict', 2);
  faster('addMessage, strict', 1.5, peers, 'the fastest peer');
  floor('addMessage, relaxed', 3);
  faster('addMessage, relaxed', 2, sql, 'the fastest SQL peer');
  for (const durability of ['strict', 'relaxed']) {
    const measure = `100 at once, rate to 100 awaited, ${durability}`;
    const ours = figures[measure]?.ours;
    if (ours) {
      add(measure, 'at least 5 ×', words(ours, 'the rate'), median(ours) >= 5 ? 'yes' : 'no');
    }
  }
  for (const measure of ['list of 50', '100 messages', 'newest 50 of 5,000']) {
    faster(measure, 1.5, peers, 'the fastest peer');
  }
  floor('cold open, to the first list', 1.8);
  faster('cold open, to the first list', 1, sql, 'every SQL peer');
  faster('import, durable and searchable', 1.5, peers, 'the fastest peer with an index');
  for (const name of ['rare', 'common', 'syllables']) {
    const measure = `search, ${name}`;
    const ours = figures[measure]?.ours;
    if (!ours) missing(measure, 'under 10 ms', 'not built');
    else
      add(
        measure,
        'under 10 ms',
        `${digits(median(ours))} ms (${spread(ours)})`,
        median(ours) < 10 ? 'yes' : 'no',
      );
  }
  floor('append in a stream, strict', 2);
  faster('delete of 100 messages', 1, sql, 'every SQL peer');
  if (!grown)
    missing(
      'growth, 1,000 to 1,000,000 messages',
      'under 1.3 ×',
      'not measured in this run (`--growth`)',
    );
  for (const [measure, { small, large }] of Object.entries(grown ?? {})) {
    const found = ratios(large, small);
    add(
      `growth: ${measure}`,
      'under 1.3 ×',
      words(found, 'that of 1,000 messages'),
      median(found) < 1.3 ? 'yes' : 'no',
    );
  }
  if (sizes.ours) {
    add(
      'fetched to the first list, brotli',
      'at most 400 KB',
      kilobytes(sizes.ours),
      sizes.ours <= 400_000 ? 'yes' : 'no',
    );
  }
  for (const measure of ['memory after open, MB', 'memory after reads, MB']) {
    const of = figures[measure];
    const least = fastest(of, sql);
    if (!of?.ours || !least) continue;
    const [ours, theirs] = [median(of.ours), median(of[least])];
    const result = `${digits(ours)} MB, ${least} ${digits(theirs)} MB`;
    add(measure, 'at most the smallest SQL peer’s', result, ours <= theirs ? 'yes' : 'no');
  }
  return rows;
}

const kilobytes = (bytes) => `${Math.round(bytes / 1_000)} KB`;

/** Writes RESULTS.md and results.svg beside this file, or, of a small run, into dist/. */
export async function report(all) {
  const { figures, contestants, found, wanted, bytes, sizes, versions, chromium, scale } = all;
  const { rounds, count, opens, conversations, long, part, quick } = scale;
  const total = long + (conversations - 1) * 100;
  const measures = Object.keys(figures);
  const known = contestants.filter((name) => measures.some((measure) => figures[measure][name]));
  const cell = (measure, name, value) =>
    figures[measure][name] ? value(figures[measure][name]) : '–';
  const command = [
    'npm run bench',
    ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []),
  ];

  const medians = table(
    ['median, ms where not said', ...known],
    measures.map((measure) => [
      measure,
      ...known.map((name) => cell(measure, name, (values) => digits(median(values)))),
    ]),
  );
  const means = table(
    ['mean (least to most)', ...known],
    measures.map((measure) => [
      measure,
      ...known.map((name) =>
        cell(measure, name, (values) => `${digits(mean(values))} (${spread(values)})`),
      ),
    ]),
  );
  const compared = table(
    [
      'ours, ratio in a round',
      'to the floor',
      'fastest peer',
      'it to ours',
      'fastest SQL peer',
      'it to ours',
    ],
    measures
      .filter((measure) => figures[measure].ours && !measure.includes('rate to'))
      .map((measure) => {
        const of = figures[measure];
        const of_ = (values) => `${median(values).toFixed(2)} (${spread(values)})`;
        const to = (name) => (name ? [name, of_(ratios(of[name], of.ours))] : ['–', '–']);
        return [
          measure,
          of.floor ? of_(ratios(of.ours, of.floor)) : '–',
          ...to(fastest(of, peers)),
          ...to(fastest(of, sql)),
        ];
      }),
  );
  const hits = Object.entries(wanted)
    .map(([name, all]) => {
      const of = Object.entries(found).filter(([, hits]) => hits[name] !== undefined);
      const incomplete = of.filter(([, hits]) => hits[name] !== Math.min(20, all));
      const said = incomplete.map(([peer, hits]) => `${peer} gave ${hits[name]}`);
      return `${name}: ${all} messages have it; ${said.length ? said.join(', ') : 'all gave what they were asked for'}.`;
    })
    .join('\n');
  const size = known.map((name) => `${name} ${kilobytes(sizes[name])}`).join(', ');
  const goal = table(['work', 'goal', 'median ratio or value (least to most)', 'met'], goals(all));

  const text = `# Results of the benchmark

Written by \`${command.join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model}, ${cpus().length} cores,
${Math.round(totalmem() / 2 ** 30)} GB of memory, headless Chromium ${chromium} with its profile on a disk. ${total.toLocaleString('en')} messages
in ${conversations.toLocaleString('en')} conversations, one of ${long.toLocaleString('en')}; ${rounds} interleaved rounds, in each the mean of ${count} calls one after another (of
searches as many as fit into a second; of cold opens ${opens}). Every call is made from the page's main thread.

Packages: ${Object.entries(versions)
    .map(([name, version]) => `\`${name}\` ${version}`)
    .join(', ')}.

## Goals

A ratio is of two figures of one round; its median over the rounds decides.

${goal}

## Medians

${medians}

Fetched to the first list, brotli: ${size}.

![Medians and spread of every measure by contestant](results.svg)

## Means and spread

${means}

## Ratios

${compared}

## Searches

${hits}

## What is measured, and how each is used

${notes({ bytes, part, long })}
`;
  const folder = new URL(quick ? './dist/' : './', import.meta.url);
  await writeFile(new URL('RESULTS.md', folder), text);
  if (!quick) await run('npx', ['biome', 'format', '--write', 'bench/RESULTS.md']);
  const drawn = measures.filter((measure) => !/memory|rate to|text alone/.test(measure));
  await writeFile(new URL('results.svg', folder), chart(figures, drawn, known, median));
  console.log(`\n${goal}\n\n${medians}\n\nwritten to ${join(folder.pathname, 'RESULTS.md')}`);
}
