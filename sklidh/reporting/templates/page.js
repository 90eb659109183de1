"use strict";
// Filter the rows of a table by words; without this script the browser's own search finds them.
for (const box of document.querySelectorAll("input[type=search]")) {
  const rows = [...document.getElementById(box.dataset.table).tBodies[0].rows];
  const filter = box.closest(".filter"), count = filter.querySelector("output");
  filter.hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
    count.value = `${rows.filter(row => !row.hidden).length} of ${rows.length}`;
  });
}
// Show two columns of a table, and of the settings those that differ; without this script all are shown.
const chosen = [...document.querySelectorAll(".choice select")];
const showTwo = () => {
  const shown = chosen.map(box => box.selectedIndex + 1);
  for (const row of document.getElementById(chosen[0].dataset.table).rows) {
    const cells = [...row.cells];
    cells.forEach((cell, place) => cell.hidden = place > 0 && !shown.includes(place));
    const [one, other] = shown.map(place => cells[place].textContent);
    row.hidden = row.classList.contains("setting") && one === other;
  }
};
for (const box of chosen) {
  box.closest(".choice").hidden = false;
  box.addEventListener("change", showTwo);
}
if (chosen.length) showTwo();
addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  for (const enlarged of document.querySelectorAll(".zoom:checked")) enlarged.checked = false;
});
