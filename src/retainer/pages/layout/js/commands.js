// All that can be done on the page as it is: the registry behind shortcuts, palette and help. Most
// commands click a control that says so (data-keys, data-help). MOVES come before those.

import { $, $$, currentUrl, focused, focusOn, isVisible, on } from "./dom.js";
import { go } from "./navigation.js";
import { adjacentRecord } from "./record_pager.js";
import { inFocusedRow, moveRowFocus } from "./rows.js";
import { post } from "./submits.js";

const FIRST_PROPERTY = ".properties :is(input, select):not([type=hidden])";

const row = () => $("[data-row]");
const checkbox = () => inFocusedRow("input[name=record]");

export const MOVES = [
  { keys: "j", help: "Next row", when: row, run: () => moveRowFocus(1) },
  { keys: "k", help: "Previous row", when: row, run: () => moveRowFocus(-1) },
  { keys: "x", help: "Select the row", when: checkbox, run: () => checkbox().click() },
  {
    keys: "X",
    help: "Select the rows up to this one",
    when: checkbox,
    run: () => checkbox().dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true })),
  },
  {
    keys: "d",
    help: "Complete the row's task",
    when: () => $("[data-done]"),
    run: () => inFocusedRow("[data-done]")?.click(),
  },
  {
    keys: "Ctrl Backspace",
    help: "Delete the row",
    when: () => focused().matches("[data-deletes]"),
    run: () => post(`${focused().pathname}/delete`, { back: currentUrl() }),
  },
  beside("[", "Previous", -1),
  beside("]", "Next", 1),
  {
    keys: "e",
    help: "Edit the first property",
    when: () => $(".properties form"),
    run: () => focusOn($(FIRST_PROPERTY)),
  },
  { keys: "s", help: "Set the status", when: statusField, run: () => openSelect(statusField()) },
];

function beside(keys, word, step) {
  const help = `${word} record of the list`;
  const run = () => go(adjacentRecord(step));
  return { keys, help, when: () => adjacentRecord(step), run };
}

// Each as { keys, help, run }, and `node` where it clicks a control.
export function availableCommands() {
  const commands = new Map();
  for (const node of $$("[data-keys]")) {
    const { keys, help } = node.dataset;
    if (isReachable(node) && !commands.has(keys)) {
      commands.set(keys, { keys, help, node, run: () => press(node) });
    }
  }
  for (const move of MOVES) {
    if (move.when()) commands.set(move.keys, move);
  }
  return [...commands.values()];
}

// A control in a closed menu or in a message that has faded can still be pressed by its key.
function isReachable(node) {
  if (node.closest("dialog")) return false;
  return isVisible(node) || node.closest("details, .toast");
}

function press(node) {
  if (!node.matches("input, select, textarea")) return node.click();
  node.focus();
  node.select?.();
}

function statusField() {
  return $$("[data-bulk] [name=status], #p-status").find(isVisible);
}

function openSelect(field) {
  field.focus();
  field.showPicker?.();
}

on("click", ({ target }) => {
  if (target.closest("[data-print]")) print();
}, true);
