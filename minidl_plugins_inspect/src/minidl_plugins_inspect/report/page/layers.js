// What the layers do at the stored epochs: one measure over the epochs, and histograms at one.
const MEASURES = {
  std: "standard deviation of the output",
  mean: "mean of the output",
  gradient: "‖gradient of the output‖",
  dead: "share of dead units",
  saturated: "share of saturated units",
};

function measureChart() {
  const frames = run.snapshots.frames, measure = at("measure").value;
  const names = frames.at(-1).layers.map((layer) => [layer.path, `${layer.path} ${layer.module}`.trim()]);
  const series = names.map(([path, name], i) => ({
    name,
    colour: i,
    kind: i >= 8 ? "dashed" : "",
    values: frames.map((frame) => frame.layers.find((layer) => layer.path === path)?.[measure] ?? null),
  })).filter((line) => line.values.some((value) => value !== null));
  const shares = measure === "dead" || measure === "saturated";
  lineChart("activations-chart", {
    x: frames.map((frame) => frame.epoch), series, log: measure === "gradient", format: shares ? percent : short,
  });
}

function histograms(frame) {
  at("histograms").innerHTML = frame.layers.filter((layer) => layer.counts).map((layer) =>
    `<figure><figcaption>${text(layer.path)} ${text(layer.module)}</figcaption>${bars(layer.counts, layer.low, layer.high)}</figure>`).join("");
}

function showFrame() {
  const { frames, corners, points } = run.snapshots;
  const frame = frames[Number(at("epoch").value)];
  at("epoch-text").textContent = frame.epoch;
  histograms(frame);
  if (!frame.boundary) return;
  const labels = unpacked(frame.boundary[Number(at("restart").value)] ?? "");
  for (const split of ["train", "test"]) drawPlane(`plane-${split}`, labels, points[split], corners);
}

function play() {
  const slider = at("epoch"), button = at("play");
  if (play.timer) {
    clearInterval(play.timer);
    play.timer = null;
    button.textContent = "Play";
    return;
  }
  if (slider.value === slider.max) slider.value = "0";
  button.textContent = "Pause";
  showFrame();
  play.timer = setInterval(() => {
    slider.value = String(Number(slider.value) + 1);
    showFrame();
    if (slider.value === slider.max) play();
  }, 500);
}

function snapshotsSection() {
  const { frames, why } = run.snapshots;
  if (!frames.length) {
    at("snapshots-text").textContent = why;
    for (const id of ["snapshots-controls", "boundary", "legend", "activations"]) at(id).hidden = true;
    return;
  }
  const plane = Boolean(frames.at(-1).boundary);
  at("snapshots-text").textContent = `${frames.length} epochs are stored; 0 is before training. Activations are those of the restart that was best at that epoch, on a batch of the training set.`;
  at("epoch").max = String(frames.length - 1);
  at("epoch").value = at("epoch").max;
  const count = plane ? frames.at(-1).boundary.length : 0;
  at("restart").innerHTML = Array.from({ length: count }, (_, i) =>
    `<option value="${i}"${i === run.restarts.selected ? " selected" : ""}>${i}${i === run.restarts.selected ? " (selected)" : ""}</option>`).join("");
  at("restart-label").hidden = count < 2;
  for (const id of ["boundary", "legend"]) at(id).hidden = !plane;
  at("measure").innerHTML = Object.entries(MEASURES).filter(([key]) =>
    frames.some((frame) => frame.layers.some((layer) => layer[key] !== undefined))).map(([key, name]) =>
    `<option value="${key}">${text(name)}</option>`).join("");
  at("epoch").addEventListener("input", showFrame);
  at("restart").addEventListener("change", showFrame);
  at("measure").addEventListener("change", measureChart);
  at("play").addEventListener("click", play);
  if (plane) legend();
  measureChart();
  showFrame();
}
