// The rows of a list, and the one that the keyboard is at. A row has the focus by its link.

import { $$, focused, hasCommandKey, on } from "./dom.js";

let position = 0;

export const listRows = () => $$("[data-row]");

on("focusin", ({ target }) => {
  const isAt = (row) => row === target || row.closest("tr, li")?.contains(target);
  const index = listRows().findIndex(isAt);
  if (index >= 0) position = index;
});

// Moves the focus by some rows; into the list from its first row or its last.
export function moveRowFocus(step) {
  const rows = listRows();
  const current = rows.indexOf(focused());
  const entry = step > 0 ? 0 : rows.length - 1;
  const next = current < 0 ? entry : current + step;
  position = Math.max(0, Math.min(next, rows.length - 1));
  rows[position]?.focus();
}

// The row that took the place of the one that had the focus last.
export function nearestRow() {
  const rows = listRows();
  return rows[Math.min(position, rows.length - 1)];
}

// A control in the row that has the focus.
export function inFocusedRow(selector) {
  return focused().closest("tr, li")?.querySelector(selector);
}

const FILTER = ".filters [type=search]";
let opening = null; // the filter whose first row is opened as soon as it is there

on("keydown", (event) => {
  const { target, key } = event;
  if (!target.matches?.(FILTER) || event.isComposing || hasCommandKey(event)) return;
  if (key !== "ArrowDown" && key !== "Enter") return (opening = null);
  event.preventDefault();
  if (key === "ArrowDown") return listRows()[0]?.focus();
  opening = target;
  if (target.value.trim() === target.defaultValue) openFirstRow();
  else target.form.requestSubmit();
});

export function openFirstRow() {
  if (!opening?.isConnected || opening.value.trim() !== opening.defaultValue) return;
  opening = null;
  listRows()[0]?.click();
}
