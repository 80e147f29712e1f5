// Parallel coordinates: an axis for each setting and one for the metric; a brush on an axis chooses runs.
const HIGH = 340, TOP = 46, MISSING = HIGH - 22, BOTTOM = HIGH - 50;
const axes = new Set(data.axes);
const ends = new Map();  // axis → [y, y] of its brush
let paths = new Map();
const heights = name => {
  const values = data.runs.map(run => value(run, name)).filter(own => own !== null);
  const distinct = [...new Set(values)];
  if (values.every(own => typeof own === "number")) {
    const { of, ticks } = scale(values, BOTTOM, TOP);
    const marks = distinct.length <= 8 ? distinct : ticks;
    return { y: own => own === null ? MISSING : of(own), marks: marks.map(own => [nice(own), of(own)]) };
  }
  distinct.sort((a, b) => compared(a, b));
  const step = (BOTTOM - TOP) / Math.max(distinct.length - 1, 1);
  const of = own => distinct.length === 1 ? (TOP + BOTTOM) / 2 : BOTTOM - step * distinct.indexOf(own);
  const every = Math.ceil(distinct.length / 20);
  const marks = distinct.filter((_, number) => number % every === 0).map(own => [String(own), of(own)]);
  return { y: own => own === null ? MISSING : of(own), marks };
};
const brushable = (group, name, x, height) => {
  const handle = draw("rect", group, { class: "handle", x: x - 14, y: TOP - 8, width: 28, height: HIGH - TOP,
    "data-axis": name });
  const [low, high] = ends.get(name) || [0, 0];
  const mark = draw("rect", group, { class: "brush", x: x - 6, y: low, width: 12, height: high - low,
    "pointer-events": "none" });
  const y = event => event.clientY - at("coordinates").getBoundingClientRect().top;
  handle.onpointerdown = event => {
    const first = y(event);
    handle.setPointerCapture(event.pointerId);
    const along = now => [Math.min(first, y(now)), Math.max(first, y(now))];
    handle.onpointermove = now => {
      const [from, to] = along(now);
      mark.setAttribute("y", from);
      mark.setAttribute("height", to - from);
    };
    handle.onpointerup = now => {
      const [from, to] = along(now);
      handle.onpointermove = handle.onpointerup = null;
      if (to - from < 4) { ends.delete(name); state.brushes.delete(name); }
      else {
        ends.set(name, [from, to]);
        state.brushes.set(name, run => height(value(run, name)) >= from && height(value(run, name)) <= to);
      }
      changed();
    };
  };
};
const showCoordinates = () => {
  for (const name of [...ends.keys()]) if (!state.brushes.has(name)) ends.delete(name);
  const names = [...axes, state.metric].filter((name, number, all) => name && all.indexOf(name) === number);
  const box = at("coordinates");
  const gap = Math.max(96, Math.min(240, (room(box) - 40) / Math.max(names.length, 1)));
  const letters = pixels => Math.floor(pixels / 6.8);
  const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;
  box.replaceChildren();
  box.setAttribute("width", Math.floor(gap * names.length + 40));
  box.setAttribute("height", HIGH);
  const x = number => 40 + gap * number;
  const scales = names.map(heights), inside = new Set(chosen());
  paths = new Map();
  const ordered = [...data.runs].sort((a, b) => inside.has(a) - inside.has(b));
  for (const run of ordered) {
    const points = names.map((name, number) => x(number) + "," + scales[number].y(value(run, name)));
    const path = draw("path", box, { d: "M" + points.join("L"), stroke: colour(run), opacity: .75 });
    if (!inside.has(run)) path.setAttribute("class", "out");
    path.onmouseenter = () => hover(run);
    path.onmouseleave = () => hover(null);
    draw("title", path, {}, cell(run, "run"));
    paths.set(run, path);
  }
  names.forEach((name, number) => {
    const group = draw("g", box);
    const most = letters(gap < 180 ? gap * 1.8 : gap);
    const short = name.length > most ? "…" + name.slice(1 - most) : name;
    const anchor = number ? "middle" : "start";
    const y = gap < 180 && number % 2 ? 30 : 14;  // names side by side on two heights
    draw("text", group, { x: number ? x(number) : 8, y, "text-anchor": anchor, "font-weight": 600 }, short);
    draw("line", group, { class: "axis", x1: x(number), x2: x(number), y1: TOP, y2: BOTTOM });
    let written = 0;
    const marks = [...scales[number].marks].sort((a, b) => a[1] - b[1]);
    for (const [place, [text, y]] of marks.entries()) {
      draw("line", group, { class: "axis", x1: x(number) - 3, x2: x(number), y1: y, y2: y });
      if (place && y - written < 12) continue;  // it would stand in the one above
      written = y;
      const label = cut(text, letters(gap - 14));
      draw("text", group, { x: x(number) + 5, y: y + 4, stroke: "#fff", "stroke-width": 3,
        "paint-order": "stroke" }, label);
    }
    if (data.runs.some(run => value(run, name) === null))
      draw("text", group, { x: x(number) + 5, y: MISSING + 4 }, "none");
    brushable(group, name, x(number), scales[number].y);
  });
};
for (const column of data.columns.filter(column => column.kind !== "fact")) {
  const label = make("label", at("axes"));
  const box = make("input", label, { type: "checkbox", checked: axes.has(column.name), name: column.name });
  label.append(" " + column.name);
  box.onchange = () => {
    axes[box.checked ? "add" : "delete"](column.name);
    state.brushes.delete(column.name);
    changed();
  };
}
listeners.choice.push(showCoordinates);
redrawn(showCoordinates);
listeners.hover.push(() => paths.forEach((path, run) => path.classList.toggle("hover", run === state.hover)));
