// The rows of a list, and the one that the keyboard is at. A row has the focus by its link.

import { $$, focused, on } from "./dom.js";

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
