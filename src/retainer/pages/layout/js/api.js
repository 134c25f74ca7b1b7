// Filters the operations of the API's page as you type. The page is complete without it.

import { $, $$, on } from "./dom.js";

const input = $("#filter");
const operations = $$(".operation").map((article) => ({
  nodes: [article, $(`[data-of="${article.id}"]`)], // with its line in the contents
  words: `${article.id} ${$(".description", article).textContent}`.toLowerCase(),
}));

input.closest(".filter").hidden = false;
input.addEventListener("input", filter);

// A link to an operation that the filter hides shows everything again.
on("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target || target.checkVisibility()) return;
  input.value = "";
  filter();
});

// A browser may keep the typed filter across a reload.
filter();

function filter() {
  const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { nodes, words } of operations) {
    const isWanted = wanted.every((word) => words.includes(word));
    for (const node of nodes) node.hidden = !isWanted;
    if (isWanted) count += 1;
  }
  for (const group of $$(".group")) {
    const isWanted = !wanted.length || $(".operation:not([hidden])", group);
    group.hidden = !isWanted;
    $(`nav a[href="#${group.id}"]`).parentElement.hidden = !isWanted;
  }
  $(".guide").hidden = wanted.length > 0;
  $("#found").textContent = wanted.length ? `${count} of ${operations.length} operations` : "";
}
