// The table: what is chosen, sorted by a heading, with the columns that are ticked.
const sorting = { name: null, up: true };
const shown = new Set(data.columns.filter(column => column.shown).map(column => column.name));
const lines = new Map();
const compared = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
  : (typeof a === "string") - (typeof b === "string") || String(a).localeCompare(String(b));
const inOrder = runs => {
  if (sorting.name === null) return runs;
  const of = run => value(run, sorting.name);
  return [...runs].sort((a, b) =>
    (of(a) === null) - (of(b) === null) || (sorting.up ? 1 : -1) * compared(of(a), of(b)));
};
const showTable = () => {
  const columns = data.columns.filter(column => shown.has(column.name));
  const head = at("runs").tHead, body = at("runs").tBodies[0];
  head.replaceChildren();
  const row = make("tr", head);
  for (const column of columns) {
    const heading = make("th", row, { textContent: column.name, className: column.numeric ? "number" : "" });
    if (column.name === sorting.name) heading.ariaSort = sorting.up ? "ascending" : "descending";
    heading.onclick = () => {
      sorting.up = sorting.name === column.name ? !sorting.up : true;
      sorting.name = column.name;
      showTable();
    };
  }
  body.replaceChildren();
  lines.clear();
  for (const run of inOrder(chosen())) {
    const line = make("tr", body, { onmouseenter: () => hover(run), onmouseleave: () => hover(null) });
    lines.set(run, line);
    for (const column of columns) {
      const text = cell(run, column.name);
      const made = make("td", line, { title: text, className: column.numeric ? "number" : "" });
      if (column.name === "run") make("i", made).style.background = colour(run);
      made.append(column.name === "run" ? run.short : text);
    }
  }
};
for (const column of data.columns) {
  const label = make("label", at("columns"));
  const box = make("input", label, { type: "checkbox", checked: shown.has(column.name), name: column.name });
  label.append(" " + column.name);
  box.onchange = () => { shown[box.checked ? "add" : "delete"](column.name); showTable(); };
}
listeners.choice.push(showTable);
listeners.hover.push(() => lines.forEach((line, run) => line.classList.toggle("hover", run === state.hover)));
