// The scripts of every page, one module a concern: what pages do beyond links and forms. All their
// actions click a real control or send a real form; without scripts every page still works.

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
