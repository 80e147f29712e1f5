// Curves of the chosen runs over epochs; the one nearest to the pointer is named.
const LEFT = 70, DEEP = 380;
const kinds = [...new Set(data.runs.flatMap(run => Object.keys(run.curves)))];
kinds.sort((a, b) => (b === "val/mse") - (a === "val/mse") || b.startsWith("val/") - a.startsWith("val/")
  || a.localeCompare(b));
kinds.forEach(name => make("option", at("curve"), { value: name, textContent: name }));
let drawn = [];
const showCurves = () => {
  const box = at("curves"), name = at("curve").value, WIDE = room(box);
  box.replaceChildren();
  box.setAttribute("width", WIDE);
  const runs = chosen().filter(run => (run.curves[name] || []).length);
  drawn = [];
  box.setAttribute("height", runs.length ? DEEP : 30);
  if (!runs.length) { draw("text", box, { x: 8, y: 20 }, "no curve of these runs is known"); return; }
  const without = chosen().length - runs.length;
  if (without) draw("text", box, { x: WIDE - 20, y: 12, "text-anchor": "end" },
    without + (without > 1 ? " runs have" : " run has") + " no such curve (tracking=none keeps none)");
  const points = runs.flatMap(run => run.curves[name]);
  const x = scale(points.map(point => point[0]), LEFT, WIDE - 20, false);
  const y = scale(points.map(point => point[1]), DEEP - 40, 16, at("log").checked);
  for (const tick of y.ticks) {
    draw("line", box, { class: "grid", x1: LEFT, x2: WIDE - 20, y1: y.of(tick), y2: y.of(tick) });
    draw("text", box, { x: LEFT - 6, y: y.of(tick) + 4, "text-anchor": "end" }, nice(tick));
  }
  const epochs = [...new Set(x.ticks.map(Math.round))];
  for (const tick of epochs)
    draw("text", box, { x: x.of(tick), y: DEEP - 20, "text-anchor": "middle" }, String(tick));
  draw("text", box, { x: WIDE / 2, y: DEEP - 4, "text-anchor": "middle" }, "epoch");
  for (const run of runs) {
    const at = run.curves[name].map(([epoch, own]) => [x.of(epoch), y.of(own), epoch, own]);
    const path = draw("path", box, { d: "M" + at.map(p => p[0].toFixed(1) + "," + p[1].toFixed(1)).join("L"),
      stroke: colour(run), opacity: .8 });
    if (at.length === 1)
      draw("circle", box, { cx: at[0][0], cy: at[0][1], r: 3, fill: colour(run) });
    drawn.push({ run, at, path });
  }
};
at("curves").onpointermove = event => {
  const box = at("curves").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  let best = null, least = 40 ** 2;
  for (const { run, at } of drawn) for (const point of at) {
    const far = (point[0] - x) ** 2 + (point[1] - y) ** 2;
    if (far < least) { least = far; best = { run, point }; }
  }
  at("told").textContent = best === null ? ""
    : cell(best.run, "run") + ", epoch " + best.point[2] + ": " + nice(best.point[3]);
  if ((best && best.run) !== state.hover) hover(best && best.run);
};
at("curves").onpointerleave = () => { at("told").textContent = ""; hover(null); };
at("curve").onchange = at("log").onchange = showCurves;
listeners.choice.push(showCurves);
redrawn(showCurves);
listeners.hover.push(() => drawn.forEach(({ run, path }) => path.classList.toggle("hover", run === state.hover)));
