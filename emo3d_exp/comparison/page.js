"use strict";
// What is shown: the runs of the page, chosen by the filter and by the brushes of the coordinates.
const data = JSON.parse(document.getElementById("data").textContent);
const at = id => document.getElementById(id);
const make = (tag, parent, set = {}) => parent.appendChild(Object.assign(document.createElement(tag), set));
const draw = (tag, parent, set = {}, text = "") => {
  const made = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(set)) made.setAttribute(name, value);
  if (text !== "") made.textContent = text;
  return made;
};
const place = new Map(data.columns.map((column, number) => [column.name, number]));
const constant = new Map(Object.entries(data.constant));
const value = (run, name) => place.has(name) ? run.values[place.get(name)] : (constant.get(name) || [])[1] ?? null;
const cell = (run, name) => place.has(name) ? run.cells[place.get(name)] : (constant.get(name) || [""])[0];
const metrics = data.columns.filter(column => column.kind === "metric" && column.numeric).map(c => c.name);
const state = { text: "", metric: data.metric, higher: data.higher, brushes: new Map(), hover: null };
const listeners = { choice: [], hover: [] };
const changed = () => listeners.choice.forEach(show => show());
const hover = run => { state.hover = run; listeners.hover.forEach(show => show()); };

// A word of the filter: a name, a sign and a value, or else letters that a cell of the run has.
const meant = name => {
  if (place.has(name) || constant.has(name)) return [name];
  return [...place.keys(), ...constant.keys()].filter(known => known.endsWith("." + name) || known.endsWith("/" + name));
};
const parsed = word => {
  const parts = word.match(/^([^<>=!]+)(<=|>=|!=|==|=|<|>)(.*)$/);
  if (!parts) return { test: run => run.cells.some(text => text.toLowerCase().includes(word.toLowerCase())) };
  const names = meant(parts[1]);
  if (names.length === 0) return { problem: "no run has " + parts[1] };
  if (names.length > 1) return { problem: parts[1] + " may be " + names.join(" or ") };
  const sign = parts[2], other = parts[3], number = other === "" ? NaN : Number(other);
  return { test: run => {
    const own = value(run, names[0]);
    if (sign === "!=") return cell(run, names[0]) !== other && !(own === number);
    if (own === null) return false;
    if (sign === "=" || sign === "==") return own === number || cell(run, names[0]) === other;
    if (typeof own !== "number" || isNaN(number)) return false;
    return { "<": own < number, ">": own > number, "<=": own <= number, ">=": own >= number }[sign];
  } };
};
const words = () => state.text.split(/\s+/).filter(Boolean).map(parsed);
const chosen = () => {
  const tests = words().filter(word => word.test);
  return data.runs.filter(run =>
    tests.every(word => word.test(run)) && [...state.brushes.values()].every(inside => inside(run)));
};

// Colours by rank, so that one run far off does not take all of them: viridis from the best to the worst.
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [223, 205, 32]];
const shade = part => {
  const step = Math.min(Math.floor(part * 4), 3), rest = part * 4 - step;
  const mix = [0, 1, 2].map(n => Math.round(VIRIDIS[step][n] * (1 - rest) + VIRIDIS[step + 1][n] * rest));
  return "rgb(" + mix.join(",") + ")";
};
let colours = new Map();
const paint = () => {
  const known = data.runs.filter(run => typeof value(run, state.metric) === "number");
  const distinct = [...new Set(known.map(run => value(run, state.metric)))];
  distinct.sort((a, b) => state.higher ? b - a : a - b);
  const ranks = new Map(distinct.map((own, rank) => [own, rank / Math.max(distinct.length - 1, 1)]));
  colours = new Map(known.map(run => [run, shade(ranks.get(value(run, state.metric)))]));
};
const colour = run => colours.get(run) || "#999";

// A scale from values to pixels; logarithmic where positive numbers span more than a factor of 50.
const nice = number => Number(number.toPrecision(4)).toString();
const scale = (values, from, to, log) => {
  const low = Math.min(...values), high = Math.max(...values);
  const bent = log === undefined ? low > 0 && high / low > 50 : log && low > 0;
  const on = bent ? Math.log : number => number;
  const a = on(low), b = on(high), span = b - a || 1;
  const back = bent ? Math.exp : number => number;
  const of = number => from + (to - from) * (b === a ? .5 : (on(number) - a) / span);
  const ticks = b === a ? [low] : [0, .25, .5, .75, 1].map(part => back(a + span * part));
  return { of, ticks };
};

// Pixels that a picture may take, and its new drawing where they change.
const room = box => Math.max(480, Math.floor(box.parentElement.clientWidth || 1240));
const redrawn = show => {
  let waiting = 0;
  addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(show); });
};

at("filter").oninput = event => { state.text = event.target.value; changed(); };
at("clear").onclick = () => {
  state.text = at("filter").value = "";
  state.brushes.clear();
  changed();
};
metrics.forEach(name => make("option", at("metric"), { value: name, textContent: name }));
at("metric").value = state.metric;
at("metric").onchange = event => {
  state.metric = event.target.value;
  state.higher = state.metric === data.metric ? data.higher : /accuracy|r_at_|correlation/.test(state.metric);
  state.brushes.clear();
  paint();
  changed();
};
paint();
listeners.choice.push(() => {
  at("count").textContent = chosen().length + " of " + data.runs.length + " runs";
  const problems = words().map(word => word.problem).filter(Boolean);
  at("unread").hidden = !problems.length;
  at("unread").textContent = problems.join("; ");
});
