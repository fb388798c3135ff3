// What the benchmarks share: medians with quartiles, and tables in Markdown.

const quantile = (list, q) => {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  return sorted[Math.floor(at)] + (sorted[Math.ceil(at)] - sorted[Math.floor(at)]) * (at % 1);
};
export const median = (list) => quantile(list, 0.5);
export const ms = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
export const spread = (list) => `${ms(median(list))} (${ms(quantile(list, 0.25))}-${ms(quantile(list, 0.75))})`;

export function table(title, header, rows) {
  console.log(`\n### ${title}\n`);
  console.log(`| ${header.join(' | ')} |`);
  console.log(`|${header.map(() => '---').join('|')}|`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}
