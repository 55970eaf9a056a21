"use strict";
// Everything is on the page without this script. It shows the step pointed at below its story, filters tables, and lets
// the arrow keys walk through stories and matrices. It makes no markup of text.
for (const wrap of document.querySelectorAll(".wrap")) {
  const look = wrap.querySelector(".look");
  if (!look) continue;
  look.hidden = false;
  const show = (step) => {
    wrap.querySelector(".now")?.classList.remove("now");
    step.classList.add("now");
    look.replaceChildren(step.querySelector(".more").cloneNode(true));
    look.scrollTop = 0;
  };
  const steps = [...wrap.querySelectorAll("li.step")];
  steps.forEach((step, at) => {
    const summary = step.querySelector("summary");
    step.addEventListener("mouseenter", () => show(step));
    summary.addEventListener("focus", () => show(step));
    summary.addEventListener("keydown", (event) => {
      const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!way || !steps[at + way]) return;
      event.preventDefault();
      steps[at + way].querySelector("summary").focus();
    });
  });
}
const focusTarget = () => document.querySelector(":target.step summary")?.focus();
window.addEventListener("hashchange", focusTarget);
focusTarget();
for (const bar of document.querySelectorAll(".filters")) {
  const rows = [...document.querySelectorAll(`#${bar.dataset.of} [data-words]`)];
  const [text, select] = [bar.querySelector("input"), bar.querySelector("select")];
  const count = bar.querySelector("output");
  const filter = () => {
    const wanted = text.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.dataset.words.toLowerCase().includes(wanted);
      row.hidden = !(fits && (!select.value || row.dataset.word === select.value));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  text.addEventListener("input", filter);
  select.addEventListener("change", filter);
  bar.hidden = false;
  filter();
}
for (const grid of document.querySelectorAll("table[role=grid]")) {
  const said = document.getElementById(grid.dataset.said);
  const lines = () => [...grid.tBodies[0].rows].filter((row) => !row.hidden);
  const cells = [...grid.querySelectorAll("tbody td[tabindex]")];
  const to = (cell) => {
    cells.forEach((one) => (one.tabIndex = -1));
    cell.tabIndex = 0;
    cell.focus();
  };
  const tell = (cell) => { said.textContent = cell.dataset.says; };
  grid.addEventListener("focusin", (event) => { const cell = event.target.closest("td[data-says]"); if (cell) tell(cell); });
  grid.addEventListener("mouseover", (event) => { const cell = event.target.closest("td[data-says]"); if (cell) tell(cell); });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[tabindex]");
    if (!cell) return;
    const all = lines(), row = all.indexOf(cell.parentElement), column = cell.cellIndex;
    const inRow = [...cell.parentElement.cells].filter((one) => one.hasAttribute("tabindex"));
    const at = inRow.indexOf(cell);
    const next = {
      ArrowRight: inRow[at + 1], ArrowLeft: inRow[at - 1], Home: inRow[0], End: inRow.at(-1),
      ArrowDown: all[row + 1]?.cells[column], ArrowUp: all[row - 1]?.cells[column],
    }[event.key];
    if (next) { event.preventDefault(); to(next); }
    if (event.key === "Enter") cell.parentElement.querySelector("th a")?.click();
  });
}
