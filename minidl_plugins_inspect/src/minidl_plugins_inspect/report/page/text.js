// Text and tables. Everything of the user's goes through `text`, never into HTML unescaped.
const run = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);

function text(value) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(value ?? "").replace(/[&<>"]/g, (mark) => marks[mark]);
}

function short(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(digits)));
}

function percent(value) {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`;
}

const errorText = (value) => (run.task === "regression" ? short(value) : percent(value));
const className = (index) => run.classes[index] ?? `class ${index}`;

// Rows are lists of values, or objects {cells, kind} with the class of the row.
function table(id, head, rows) {
  const cells = (row, tag) => row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("");
  const body = rows.map((row) => {
    const kind = row.kind ? ` class="${row.kind}"` : "";
    return `<tr${kind}>${cells(row.cells ?? row, "td")}</tr>`;
  });
  at(id).innerHTML = `<table><thead><tr>${cells(head, "th")}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}
