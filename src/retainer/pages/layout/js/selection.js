// The ticked rows of a list, kept by their ids: a sort or a filter moves rows off the page, and
// they stay selected.

import { $, $$, on } from "./dom.js";
import { onRender } from "./navigation.js";
import { recall, remember } from "./storage.js";

const form = () => $("form[data-selects]");
const storageKey = () => `selected ${form().dataset.selects}`;
const selectedIds = () => new Set(recall(storageKey()));

let lastTicked = null; // where a range begins

function rowCheckboxes() {
  return form() ? $$("input[name=record]", form()) : [];
}

function clearSelection() {
  if (form()) store([]);
}

function store(ids) {
  remember(storageKey(), [...ids]);
  showSelection();
}

function tick(checkboxes, isTicked) {
  const ids = selectedIds();
  for (const { value } of checkboxes) {
    if (isTicked) ids.add(value);
    else ids.delete(value);
  }
  store(ids);
}

// What was ticked before this module came stays ticked.
function adoptTicks() {
  if (!form()) return;
  const isAll = $("[data-select-all]", form())?.checked;
  const ticked = rowCheckboxes().filter((checkbox) => isAll || checkbox.checked);
  if (ticked.length) tick(ticked, true);
}

adoptTicks();
onRender(showSelection);

function showSelection() {
  if (!form()) return;
  const ids = selectedIds();
  const checkboxes = rowCheckboxes();
  for (const checkbox of checkboxes) checkbox.checked = ids.has(checkbox.value);
  const ticked = checkboxes.filter((checkbox) => checkbox.checked).length;
  const all = $("[data-select-all]", form());
  if (all) {
    all.checked = ticked > 0 && ticked === checkboxes.length;
    all.indeterminate = ticked > 0 && ticked < checkboxes.length;
  }
  showBulkBar(ids.size, all?.checked);
}

function showBulkBar(count, isAllTicked) {
  const bar = $("[data-bulk]", form());
  if (!bar) return;
  const matching = $("[data-matching]", bar); // its value says that the server is to take all
  const selectMatching = $("[data-select-matching]", bar);
  if (!count) matching.value = "";
  bar.classList.toggle("is-open", count > 0);
  $("[data-selected]", bar).textContent = matching.value
    ? selectMatching.textContent.replace("Select all", "All")
    : `${count} selected`;
  selectMatching.hidden = Boolean(matching.value) || !isAllTicked || !$("[data-more]");
}

on("click", ({ target, shiftKey }) => {
  if (target.closest("[data-deselect]")) return clearSelection();
  if (target.closest("[data-select-matching]")) return selectMatching();
  const checkboxes = rowCheckboxes();
  const from = checkboxes.indexOf(lastTicked);
  const to = checkboxes.indexOf(target);
  if (to < 0) return;
  const isRange = shiftKey && from >= 0;
  const range = checkboxes.slice(Math.min(from, to), Math.max(from, to) + 1);
  tick(isRange ? range : [target], target.checked);
  lastTicked = target;
});

function selectMatching() {
  const matching = $("[data-matching]");
  matching.value = matching.dataset.matching;
  showSelection();
}

on("change", ({ target }) => {
  if (target.matches("[data-select-all]")) tick(rowCheckboxes(), target.checked);
});

// Selected rows that are not on the page are sent, too.
on("formdata", ({ target, formData }) => {
  if (!target.matches("form[data-selects]")) return;
  formData.delete("record");
  if (formData.get("matching")) return;
  for (const id of selectedIds()) formData.append("record", id);
});

// A change of the selected rows clears the selection; a refused one keeps it.
on("htmx:before:swap", ({ detail: { ctx } }) => {
  if (ctx.sent?.form?.matches("[data-selects]") && ctx.response.status < 400) clearSelection();
});
