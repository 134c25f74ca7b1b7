// The scripts of every page, one module a concern. All their actions click a real control or send a
// real form; without scripts every page still works.

import { $, focusOn } from "./dom.js";
import { onRender } from "./navigation.js";
import "./forms.js";
import "./submits.js";
import "./session.js";
import "./copying.js";
import "./passwords.js";
import "./shortcuts.js";
import "./live_updates.js";

// Those that only some pages need.
onRender(() => {
  if ($("form[data-selects]")) import("./selection.js");
  if ($("[data-drop]")) import("./uploads.js");
});

focusOn($("[autofocus]"));
