// Line charts as SVG. HTML's own parser makes the elements, so no namespace has to be named.
const HEIGHT = 260, LEFT = 58, RIGHT = 10, TOP = 10, BOTTOM = 36;
const charts = new Map();

function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(value);
  return found;
}

// Ticks between 10^low and 10^high, as powers: whole decades, with 2 and 5 between few of them.
function decades(low, high) {
  const found = [], span = high - low;
  const parts = span > 2.5 ? [1] : span > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const step = Math.max(1, Math.ceil(span / 6));
  for (let power = Math.floor(low); power <= high; power += step) {
    for (const part of parts) found.push(power + Math.log10(part));
  }
  return found.filter((value) => value >= low - 1e-9 && value <= high + 1e-9);
}

// series: [{name, values, colour, kind}] over `x`; `kind` is "bold", "thin" or "dashed".
function lineChart(id, { x, series, log = false, format = short, xTitle = "epoch" }) {
  charts.set(id, () => lineChart(id, { x, series, log, format, xTitle }));
  const place = at(id), width = Math.max(260, place.clientWidth);
  const scaled = (value) => (value === null || value === undefined || (log && value <= 0) ? null : log ? Math.log10(value) : value);
  const all = series.flatMap((line) => line.values.map(scaled)).filter((value) => value !== null);
  if (!all.length) { place.textContent = "nothing to draw"; return; }
  let low = Math.min(...all.slice(0, 1)), high = low;
  for (const value of all) { low = Math.min(low, value); high = Math.max(high, value); }
  if (log) low = Math.max(low, high - 8); else low = Math.min(low, 0);
  if (low === high) { low -= log ? 0.5 : Math.abs(low) / 2 || 0.5; high += Math.abs(high) / 2 || 0.5; }
  const first = x[0], last = x.at(-1);
  const across = (value) => LEFT + ((value - first) / (last - first || 1)) * (width - LEFT - RIGHT);
  const up = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const grid = (log ? decades(low, high) : ticks(low, high, 5)).map((value) => {
    const y = up(value).toFixed(1), label = format(log ? 10 ** value : value);
    return `<line class="axis" x1="${LEFT}" x2="${width - RIGHT}" y1="${y}" y2="${y}"/><text x="${LEFT - 6}" y="${y}" dy="4" text-anchor="end">${text(label)}</text>`;
  });
  const below = ticks(first, last, Math.min(8, width / 70)).filter(Number.isInteger).map((value) =>
    `<text x="${across(value).toFixed(1)}" y="${HEIGHT - 19}" text-anchor="middle">${value}</text>`);
  const paths = series.map((line) => {
    let pen = "M";
    const points = line.values.map((raw, i) => {
      const value = scaled(raw);
      if (value === null) { pen = "M"; return ""; }
      const point = `${pen}${across(x[i]).toFixed(1)} ${up(Math.max(low, value)).toFixed(1)}`;
      pen = "L";
      return point;
    });
    return `<path class="${line.kind ?? ""}" style="stroke:var(--c${line.colour % 8})" d="${points.join("")}"><title>${text(line.name)}</title></path>`;
  });
  const named = series.filter((line) => line.kind !== "thin" && line.name);
  const keys = named.map((line) => `<span><i style="background:var(--c${line.colour % 8})"></i>${text(line.name)}</span>`);
  place.innerHTML = `<svg viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${text(named.map((line) => line.name).join(", "))}">${grid.join("")}${below.join("")}<text x="${width - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">${text(xTitle)}</text>${paths.join("")}</svg><div class="keys">${keys.join("")}</div>`;
}

function bars(counts, low, high) {
  const most = Math.max(...counts), step = 100 / counts.length;
  const boxes = counts.map((count, i) => {
    const height = most ? (count / most) * 40 : 0;
    return `<rect x="${(i * step).toFixed(2)}" y="${(40 - height).toFixed(2)}" width="${(step * 0.92).toFixed(2)}" height="${height.toFixed(2)}"/>`;
  });
  return `<svg viewBox="0 0 100 40" preserveAspectRatio="none" style="height:3.5rem">${boxes.join("")}</svg><div class="keys"><span>${text(short(low, 3))}</span><span>to ${text(short(high, 3))}</span></div>`;
}

let waiting = null;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => charts.forEach((draw) => draw()), 120);
});
