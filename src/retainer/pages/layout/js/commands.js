// All that can be done on the page as it is, with its keys: the one registry from which the
// shortcuts, the palette and the help are made.
//
// Most commands click a control that says so itself (data-keys, data-help). The others move within
// the page; where a control has the same key as one of these, the command here wins.

import { $, $$, currentUrl, focused, focusOn, isVisible, on } from "./dom.js";
import { go } from "./navigation.js";
import { adjacentRecord } from "./record_pager.js";
import { focusedRowCheckbox, inFocusedRow, moveRowFocus } from "./rows.js";
import { post } from "./submits.js";

const FIRST_PROPERTY = ".properties :is(input, select):not([type=hidden])";

const MOVES = [
  {
    keys: "j",
    help: "Next row",
    when: () => $("[data-row]"),
    run: () => moveRowFocus(1),
  },
  {
    keys: "k",
    help: "Previous row",
    when: () => $("[data-row]"),
    run: () => moveRowFocus(-1),
  },
  {
    keys: "x",
    help: "Select the row",
    when: () => $("form[data-selects] [data-row]"),
    run: () => focusedRowCheckbox()?.click(),
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
    run: () => deleteRow(focused()),
  },
  {
    keys: "[",
    help: "Previous record of the list",
    when: () => adjacentRecord(-1),
    run: () => go(adjacentRecord(-1)),
  },
  {
    keys: "]",
    help: "Next record of the list",
    when: () => adjacentRecord(1),
    run: () => go(adjacentRecord(1)),
  },
  {
    keys: "e",
    help: "Edit the first property",
    when: () => $(".properties form"),
    run: () => focusOn($(FIRST_PROPERTY)),
  },
  {
    keys: "s",
    help: "Set the status",
    when: () => statusField(),
    run: () => openSelect(statusField()),
  },
];

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

function deleteRow(link) {
  post(`${link.pathname}/delete`, { back: currentUrl() });
}

const statusField = () => $$("[data-bulk] [name=status], #p-status").find(isVisible);

function openSelect(field) {
  field.focus();
  try {
    field.showPicker();
  } catch {
    // Not every browser lets a script open it; the focus is enough.
  }
}

on("click", ({ target }) => {
  if (target.closest("[data-print]")) print();
}, true);
