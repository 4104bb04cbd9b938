// The decision boundary at one epoch, and the points of a split.
const PIXELS = 576;
const DIGITS = "abcdefghijklmnopqrstuvwxyz";
const colourOf = (label) => getComputedStyle(document.documentElement).getPropertyValue(`--k${label % 8}`).trim();

function unpacked(packed) {
  const labels = [];
  for (const [, count, letter] of packed.matchAll(/(\d*)([a-z])/g)) {
    for (let i = Number(count || 1); i > 0; i -= 1) labels.push(DIGITS.indexOf(letter));
  }
  return labels;
}

function drawPlane(id, labels, points, corners) {
  const [left, right, bottom, top] = corners, SIDE = run.snapshots.size;
  const canvas = at(id), pen = canvas.getContext("2d"), cell = PIXELS / SIDE;
  canvas.width = canvas.height = PIXELS;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, PIXELS, PIXELS);
  pen.globalAlpha = 0.35;
  labels.forEach((label, i) => {
    pen.fillStyle = colourOf(label);
    pen.fillRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell, cell);
  });
  pen.globalAlpha = 1;
  const across = (x) => ((x - left) / (right - left)) * PIXELS;
  const down = (y) => ((top - y) / (top - bottom)) * PIXELS;
  let wrong = 0;
  points.x.forEach(([x, y], i) => {
    if (x === null || y === null) return;
    const column = Math.min(SIDE - 1, Math.max(0, Math.floor(((x - left) / (right - left)) * SIDE)));
    const row = Math.min(SIDE - 1, Math.max(0, Math.floor(((top - y) / (top - bottom)) * SIDE)));
    const missed = labels[row * SIDE + column] !== points.label[i];
    wrong += missed;
    if (missed) {
      pen.strokeStyle = "#000";
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.moveTo(across(x) - 6, down(y) - 6); pen.lineTo(across(x) + 6, down(y) + 6);
      pen.moveTo(across(x) - 6, down(y) + 6); pen.lineTo(across(x) + 6, down(y) - 6);
      pen.stroke();
    }
    pen.fillStyle = colourOf(points.label[i]);
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.arc(across(x), down(y), 4.5, 0, 7);
    pen.fill();
    pen.stroke();
  });
  if (run.ellipse) {
    const { centre, width, height } = run.ellipse;
    pen.strokeStyle = "#000";
    pen.lineWidth = 2;
    pen.setLineDash([4, 6]);
    pen.beginPath();
    pen.ellipse(across(centre[0]), down(centre[1]), ((width / 2) / (right - left)) * PIXELS, ((height / 2) / (top - bottom)) * PIXELS, 0, 0, 7);
    pen.stroke();
    pen.setLineDash([]);
  }
  return wrong;
}

function legend() {
  const count = Math.max(2, run.classes.length);
  const keys = Array.from({ length: Math.min(count, 10) }, (_, label) => `<i style="background:var(--k${label % 8})"></i>${text(className(label))}`);
  const border = run.ellipse ? ` Dotted: ${text(run.ellipse.label ?? "the true border")}.` : "";
  at("legend").innerHTML = `${keys.join(" &ensp; ")} &ensp; Crosses: points in a cell of the grid that has another class.${border}`;
}
