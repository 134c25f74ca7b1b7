// The scripts of every page, one module a concern: what pages do beyond links and forms. All that
// they add clicks a real control or sends a real form; without them every page reads and writes.

import { $, focusOn } from "./dom.js";
import "./navigation.js";
import "./toasts.js";
import "./selection.js";
import "./record_pager.js";
import "./palette.js";
import "./shortcuts.js";
import "./live_updates.js";
import "./uploads.js";

focusOn($("[autofocus]"));
