"use strict";
// Filter a table's rows by words; without this script the browser's own search finds them.
for (const box of document.querySelectorAll("input[type=search]")) {
  const rows = [...document.getElementById(box.dataset.table).tBodies[0].rows];
  const filter = box.closest(".filter"), told = filter.querySelector("output");
  filter.hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
    told.value = `${rows.filter(row => !row.hidden).length} of ${rows.length}`;
  });
}
addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  for (const enlarged of document.querySelectorAll(".zoom:checked")) enlarged.checked = false;
});
