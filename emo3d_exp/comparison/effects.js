// What a forest says of each setting, and the runs themselves: a point a run, a line for its expectation.
const BOX = { wide: 300, high: 190, left: 52, bottom: 150 };
const showEffect = (told, most, metric) => {
  const box = make("div", at("effects"), { className: "effect" });
  make("h3", box, { textContent: told.name + ": " + told.drop.toFixed(3) });
  make("span", box, { className: "bar" }).style.width = Math.max(0, told.drop / most) * 240 + "px";
  const plot = draw("svg", box, { width: BOX.wide, height: BOX.high });
  const runs = data.runs.filter(run => typeof value(run, metric) === "number");
  const levels = runs.map(run => value(run, metric)).concat(told.expected.map(point => point[1]));
  const y = scale(levels, BOX.bottom, 12, false);
  const labels = told.expected.map(point => point[0]), numbers = labels.every(own => typeof own === "number");
  const span = BOX.wide - 24 - BOX.left, step = span / Math.max(labels.length, 1);
  const line = scale(numbers ? labels : [0, 1], BOX.left + 8, BOX.wide - 24);
  const x = own => numbers ? line.of(own) : BOX.left + step * (labels.indexOf(own) + .5);
  for (const tick of [y.ticks[0], y.ticks[y.ticks.length - 1]])
    draw("text", plot, { x: BOX.left - 4, y: y.of(tick) + 4, "text-anchor": "end" }, nice(tick));
  draw("line", plot, { class: "axis", x1: BOX.left, x2: BOX.wide - 16, y1: BOX.bottom, y2: BOX.bottom });
  for (const run of runs) {
    const own = value(run, told.name), key = numbers ? own : cell(run, told.name);
    const point = draw("circle", plot, { cx: x(key), cy: y.of(value(run, metric)), r: 2.6, fill: colour(run),
      "fill-opacity": .6 });
    draw("title", point, {}, cell(run, "run") + ": " + cell(run, told.name) + ", " + cell(run, metric));
  }
  const path = told.expected.map(([own, mean]) => x(own) + "," + y.of(mean));
  if (numbers) draw("path", plot, { d: "M" + path.join("L"), stroke: "#b3261e" });
  else told.expected.forEach(([own, mean]) => draw("line", plot, { x1: x(own) - step * .35, stroke: "#b3261e",
    x2: x(own) + step * .35, y1: y.of(mean), y2: y.of(mean), "stroke-width": 2 }));
  const few = numbers ? [labels[0], labels[labels.length - 1]] : labels.length > 4 ? [] : labels;
  for (const own of few) {
    const text = numbers ? nice(own) : own.length > 12 ? own.slice(0, 11) + "…" : own;
    draw("text", plot, { x: x(own), y: BOX.bottom + 16, "text-anchor": "middle" }, text);
  }
  if (!few.length) draw("text", plot, { x: BOX.left, y: BOX.bottom + 16 }, labels.length + " values: point at them");
};
if (typeof data.importance === "string") at("meaning").textContent = data.importance;
else {
  const most = Math.max(...data.importance.settings.map(told => told.drop), 1e-9);
  at("meaning").textContent = data.importance.meaning;
  data.importance.settings.forEach(told => showEffect(told, most, data.importance.metric));
}
changed();
// Fewer runs leave the plots where they are, under the pointer that chose them.
const scrolled = at("runs").parentElement;
scrolled.style.minHeight = scrolled.offsetHeight + "px";
