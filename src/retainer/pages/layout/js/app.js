// The scripts of every page, one module a concern. All their actions click a real control or send a
// real form; without scripts every page still works.

import { $, focusOn, on } from "./dom.js";
import "./forms.js";
import "./submits.js";
import "./session.js";
import "./shortcuts.js";
import "./live_updates.js";

// Those of some pages and dialogs.
function load() {
  if ($("form[data-selects]")) import("./selection.js");
  if ($("[data-drop]")) import("./uploads.js");
  if ($(".in-words")) import("./dates.js");
  if ($("[data-copy]")) import("./copying.js");
  if ($("[data-shows]")) import("./passwords.js");
}

load();
on("htmx:after:swap", load);

focusOn($("[autofocus]"));
