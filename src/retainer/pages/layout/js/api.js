// Filters the operations as you type. The page is complete without it.

const input = document.getElementById("filter");
const found = document.getElementById("found");
const operations = [...document.querySelectorAll(".operation")].map((article) => ({
  parts: [article, document.querySelector(`[data-of="${article.id}"]`)],
  words: `${article.id} ${article.querySelector(".told").textContent}`.toLowerCase(),
}));

input.closest(".filter").hidden = false;
input.addEventListener("input", filter);
// A link to what is filtered away shows everything again.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target || target.checkVisibility()) return;
  input.value = "";
  filter();
});
// A reload may keep what was typed.
filter();

function filter() {
  const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { parts, words } of operations) {
    const isWanted = wanted.every((word) => words.includes(word));
    for (const part of parts) part.hidden = !isWanted;
    count += isWanted;
  }
  for (const group of document.querySelectorAll(".group")) {
    const isWanted = !wanted.length || group.querySelector(".operation:not([hidden])");
    group.hidden = !isWanted;
    const link = document.querySelector(`nav a[href="#${group.id}"]`);
    link.parentElement.hidden = !isWanted;
  }
  document.querySelector(".guide").hidden = wanted.length > 0;
  found.textContent = wanted.length ? `${count} of ${operations.length} operations` : "";
}
