// The sections that are text and tables.
function header() {
  const { final, restarts, model, timing } = run;
  at("title").textContent = run.title;
  const error = run.error ? ` (${run.error})` : "";
  at("headline").textContent = `${run.folder}: ${run.status}${error}, started ${timing?.started ?? "?"}`;
  const facts = [
    ["test error", errorText(final.test_error)],
    ["training error", errorText(final.train_error)],
    ["epochs", run.epochs.at(-1)],
    ["parameters", (model.parameters ?? 0).toLocaleString("en")],
    ["restarts", `${restarts.count ?? 1}, ${(restarts.dead ?? []).length} dead`],
    ["training time", timing?.training_seconds === undefined ? "–" : `${short(timing.training_seconds, 3)} s`],
  ];
  for (const [key, name] of [["linear", "of a linear model"], ["constant", "of one answer for all"]]) {
    const error = run.baseline[key]?.test_error;
    if (error !== undefined && error !== null) facts.splice(1, 0, [`test error ${name}`, errorText(error)]);
  }
  at("facts").innerHTML = facts.map(([name, value]) => `<div class="fact"><b>${text(value)}</b><span>${text(name)}</span></div>`).join("");
  at("warnings").innerHTML = (run.warnings ?? []).map((warning) => `<li>${text(warning)}</li>`).join("");
  at("contents").innerHTML = [...document.querySelectorAll("main section")].map((section) =>
    `<a href="#${section.id}">${text(section.querySelector("h2").textContent)}</a>`).join("");
}

function restartsSection() {
  const { count = 1, selected, dead = [], by, stacked, reason } = run.restarts;
  const how = stacked ? "trained at once, as one stack" : reason ? `trained one after another: ${reason}` : "trained one after another";
  at("restarts-text").textContent = count > 1
    ? `${count} restarts, ${how}. Restart ${selected} has the lowest ${String(by).replace("_", " ")}. ${dead.length} are dead: they learned nothing.`
    : dead.length ? "One restart, and it is dead: it learned nothing." : "One restart.";
  const names = Object.keys(run.curves);
  const rows = Array.from({ length: count }, (_, i) => ({
    kind: i === selected ? "selected" : dead.includes(i) ? "dead" : "",
    cells: [i, ...names.map((name) => {
      const value = run.curves[name][i]?.at(-1) ?? null;
      return name.endsWith("_error") ? errorText(value) : short(value);
    }), i === selected ? "selected" : dead.includes(i) ? "dead" : ""],
  }));
  table("restarts-table", ["restart", ...names.map((name) => name.replace("_", " ")), ""], rows);
}

function structureSection() {
  const { layers } = run.snapshots;
  if (layers.length) {
    table("structure-table", ["path", "module", "output", "parameters"], layers.map((layer) =>
      [layer.path, layer.module, layer.output, layer.parameters ? layer.parameters.toLocaleString("en") : ""]));
  } else {
    at("structure-table").innerHTML = `<pre>${text(run.model.description)}</pre>`;
  }
  table("tensors-table", ["tensor", "shape", "numbers", "norm"], run.tensors.map((tensor) =>
    [tensor.name, `(${tensor.shape.join(", ")})`, tensor.numbers.toLocaleString("en"), short(tensor.norm)]));
}

function misclassifiedSection() {
  const found = run.snapshots.misclassified;
  if (run.task === "regression" || !found) {
    at("misclassified-text").textContent = run.task === "regression"
      ? "A regression has no classes." : run.snapshots.why || (run.status === "finished"
        ? "A row of this dataset has several targets." : "They are stored when the run finishes, and it has not.");
    return;
  }
  const counts = Object.entries(found.counts).map(([split, [wrong, all]]) => `${wrong} of ${all} in ${split}`);
  const more = Object.values(found.counts).some(([wrong]) => wrong > 100) ? " The first 100 of each are listed." : "";
  const hidden = found.more_features ? ` ${found.more_features} more features are not shown.` : "";
  at("misclassified-text").textContent = `Of restart ${found.restart}: ${counts.join(", ")}.${more}${hidden}`;
  table("misclassified-table", ["split", "row", "target", "predicted", ...found.features], found.rows.map((row) =>
    [row.split, row.row, className(row.label), className(row.predicted), ...row.x.map((value) => short(value))]));
}

function configurationSection() {
  at("configuration-text").textContent = JSON.stringify(run.configuration, null, 2);
  table("components-table", ["key", "component", "distribution", "version"], run.components.map((each) =>
    [each.key, each.name, each.distribution, each.version]));
  const versions = Object.entries(run.distributions);
  const rest = Object.entries({ ...run.machine, engine: run.engine, seed: run.seeds.seed });
  table("versions-table", ["", ""], [...versions, ...rest].map(([name, value]) => [name, value]));
}
