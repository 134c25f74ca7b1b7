// Forms are sent one after the other. A line that adds is emptied at once; what the server does not
// take is put back.

import { $$, main, on } from "./dom.js";
import { draftKey, fieldsOf, isChanged } from "./drafts.js";
import { markUnsaved, resetField, setValue, showUnsaved, valueOf } from "./drafts.js";
import { isShown } from "./navigation.js";
import { signIn } from "./session.js";
import { recall, remember } from "./storage.js";
import { UNREACHABLE, hideProblem, showProblem } from "./toasts.js";

const FORM = "form[method=post]:not([hx-boost=false])";
const LINE = ".line-add";
const SHOWN = [404, 409, 422]; // refusals that come as a page or a part of one
const KEEPALIVE = 50_000; // characters that are sent even if the page is left
const IN_DIALOG = {
  target: "#dialog-body",
  swap: "innerHTML",
  push: "false",
  headers: { "HX-Target": "div#dialog-body" },
};

const waiting = [];
let current = null; // the submit that is being sent
const lost = []; // not taken, while their line holds other text by now

on("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.matches(FORM)) return;
  event.stopPropagation();
  if (submitter?.matches("[data-plain]")) return; // its answer is a file to keep, not a page
  event.preventDefault();
  submit(form, submitter);
}, true);

function submit(form, submitter) {
  const fields = fieldsOf(form);
  const sent = {
    form,
    action: submitter?.getAttribute("formaction") || form.getAttribute("action"),
    data: new FormData(form, submitter),
    path: location.pathname,
    isInDialog: Boolean(form.closest("#dialog")),
    isLine: form.matches(LINE),
    fields: fields.map((field) => ({
      field,
      key: draftKey(field),
      value: valueOf(field),
      isTyped: isChanged(field),
    })),
  };
  const before = [current, ...waiting].findLast((other) => other?.form === form);
  // A second click, or the change of a field after Enter in it.
  if (before && (sent.isLine ? !fields.some(isChanged) : asText(before) === asText(sent))) return;
  if (sent.isLine) form.reset();
  for (const each of sent.fields) {
    each.left = valueOf(each.field);
    if (sent.isLine) remember(each.key, null);
  }
  add(sent);
}

const asText = ({ data }) => String(new URLSearchParams(data));

// Sends what no form on the page has.
export function post(action, fields) {
  const data = new FormData();
  for (const name in fields) data.append(name, fields[name]);
  add({ action, data, path: location.pathname, fields: [] });
}

function add(...all) {
  waiting.push(...all);
  if (!current) sendNext();
}

async function sendNext() {
  current = waiting.shift();
  document.body.toggleAttribute("data-busy", Boolean(current));
  if (!current) return;
  await send(current);
  sendNext();
}

async function send(sent) {
  sent.response = sent.words = null;
  takeVersion(sent);
  const place = sent.isInDialog ? IN_DIALOG : { target: "#main", push: "true" };
  await htmx.ajax("POST", sent.action, { sent, source: main(), ...place });
  const status = sent.response?.status || 0;
  if ([401, 403].includes(status) && (await signIn(sent.response))) return send(sent);
  if (status && status < 400) settle(sent);
  else putBack(sent, status);
}

const isHere = ({ form, path, action }) =>
  form?.isConnected && isShown(path) && form.getAttribute("action") === action;

// Saved meanwhile, a property's form has the record's new version.
function takeVersion(sent) {
  const version = isHere(sent) && sent.form.elements.version?.value;
  if (version) sent.data.set("version", version);
}

on("htmx:before:request", ({ detail: { ctx } }) => {
  if (!ctx.sent) return;
  clearTimeout(ctx.requestTimeout); // htmx's minute
  const { data, form } = ctx.sent;
  const isMultipart = form?.enctype === "multipart/form-data";
  const body = isMultipart ? data : new URLSearchParams(data);
  ctx.request.body = body;
  ctx.request.keepalive = !isMultipart && String(body).length < KEEPALIVE;
});

on("htmx:after:request", ({ detail: { ctx } }) => {
  const { sent } = ctx;
  if (sent) sent.response = ctx.response;
  if (sent && !isShown(sent.path)) ctx.hx.retarget = null; // to a part of that page
  if (ctx.response.status < 500) reconnected();
});

on("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  const { sent } = ctx;
  if (!sent) return;
  const { status } = ctx.response;
  const isElsewhere = !sent.isInDialog && !isShown(sent.path);
  if (status >= 400 || isElsewhere) ctx.push = "false";
  if (!isElsewhere && (status < 400 || SHOWN.includes(status))) return;
  // The page stays, with the form or another by now.
  const answer = new DOMParser().parseFromString(ctx.text, "text/html");
  sent.words = answer.querySelector("p.error") || answer.querySelector("h1 + *");
  ctx.isUnseen = true;
  ctx.title = null;
  tasks.splice(0, tasks.length, ...tasks.filter(({ type }) => type !== "main"));
});

// Fields are found by name: the answer may have moved them.
function settle(sent) {
  const { form } = sent;
  const shown = isHere(sent) ? fieldsOf(form) : [];
  for (const { key, value } of sent.fields) {
    if (recall(key) === value) remember(key, null);
    const field = shown.find((one) => draftKey(one) === key);
    if (field && valueOf(field) === value) resetField(field);
  }
  if (!form) return;
  delete form.dataset.unsaved;
  showUnsaved(form);
}

function putBack(sent, status) {
  // A page that was shown instead holds what was typed, or tells of two versions.
  const isReplaced = !sent.words && !sent.isInDialog && [409, 422].includes(status);
  if (!isHere(sent)) {
    if (!isReplaced || (sent.isLine && status === 409)) keep(sent);
    else sent.fields.forEach(({ key }) => remember(key, null));
  } else if (sent.fields.every(({ field, left }) => valueOf(field) === left)) {
    for (const { field, value } of sent.fields) setValue(field, value);
    keep(sent);
    markUnsaved(sent.form, status ? "" : "retry");
  } else if (sent.isLine) {
    lost.push(sent);
  }
  tell(sent, status);
}

function keep({ fields }) {
  for (const { key, value, isTyped } of fields) {
    if (isTyped) remember(key, value);
  }
}

function tell(sent, status) {
  if (SHOWN.includes(status) && !sent.words && !lost.length) return;
  const known = { 0: "The server cannot be reached.", 401: "You are signed out." }[status];
  const reason = known || sent.words?.textContent || `The server could not do that (${status}).`;
  const names = lost.map(({ fields }) => `“${fields.find(({ isTyped }) => isTyped)?.value}”`);
  const place = isShown(sent.path) ? "is still here" : "waits where you typed it";
  const rest = names.length ? `Not saved: ${names.join(", ")}` : `What you typed ${place}`;
  const remedy = names.length && { words: "Send again", run: () => add(...lost.splice(0)) };
  showProblem(`${reason} ${rest}.`, status ? undefined : UNREACHABLE, remedy);
}

export function reconnected() {
  if (!lost.length) hideProblem(UNREACHABLE);
  for (const form of $$("form[data-unsaved=retry]")) {
    form.dataset.unsaved = "";
    form.requestSubmit();
  }
}

addEventListener("online", reconnected);
addEventListener("pagehide", () => [...waiting, ...lost].forEach(keep));
