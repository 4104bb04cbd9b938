// The page, section by section.
function curves() {
  const log = at("log").checked, { selected = 0 } = run.restarts;
  const splits = { train: 0, validation: 2, test: 1 };
  for (const what of ["error", "loss"]) {
    const series = [];
    for (const [split, colour] of Object.entries(splits)) {
      (run.curves[`${split}_${what}`] ?? []).forEach((values, i) => {
        series.push({ name: i === selected ? split : `${split}, restart ${i}`, values, colour, kind: i === selected ? "bold" : "thin" });
      });
    }
    series.sort((a, b) => (a.kind === "bold") - (b.kind === "bold"));
    lineChart(`${what}-chart`, { x: run.epochs, series, log, format: what === "error" ? errorText : short });
  }
  lineChart("lr-chart", { x: run.epochs, series: [{ name: "learning rate", values: run.lr, colour: 6, kind: "bold" }] });
}

function gradients() {
  const series = Object.entries(run.gradients).map(([name, values], i) => ({ name, values, colour: i, kind: i >= 8 ? "dashed" : "" }));
  lineChart("gradients-chart", { x: run.epochs, series, log: true });
}

header();
at("error-title").textContent = run.task === "regression" ? "Error (root mean squared)" : "Error";
at("log").addEventListener("change", curves);
curves();
restartsSection();
structureSection();
gradients();
snapshotsSection();
misclassifiedSection();
configurationSection();
