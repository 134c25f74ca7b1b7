// Files that are dropped or chosen are sent one after the other, each with its progress, by the form that takes one
// alone. What is not said here is said in app.js.

const waiting = [];
let sending, failed = [], done = 0;

function add(form, files) {
  for (const file of $("[data-drop] [multiple]") ? files : [...files].slice(0, 1)) {
    const bar = made("progress", { max: 1, value: 0, ariaLabel: `Progress of ${file.name}` });
    const cancel = made("button", { type: "button", className: "button quiet", ariaLabel: `Cancel ${file.name}` }, "Cancel");
    const row = made("li", {}, made("span", {}, file.name), bar, cancel), data = new FormData(form);
    $("[data-uploads]").append(row);
    data.set("file", file);
    const one = { row, bar, cancel, data, url: form.action };
    cancel.onclick = () => { one.off = true; if (sending === one) one.request.abort(); else end(one); };
    waiting.push(one);
  }
  if (!sending) next();
}

function next() {
  const one = sending = waiting.shift();
  if (!one) return refresh();
  if (one.off) return next();
  const request = one.request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded, total }) => { one.bar.value = loaded / total; };
  request.onloadend = () => { end(one); next(); };
  request.open("POST", one.url);
  request.setRequestHeader("Accept", "application/json, text/html;q=0.1");
  request.send(one.data);
}

function end(one) {
  const words = one.off ? "Cancelled" : problem(one.request);
  one.bar.remove();
  one.cancel.replaceWith(made("span", { className: words ? "error" : "muted" }, words || "Added"));
  if (words) failed.push(one.row); else done += 1;
}

function problem({ status, responseText }) {
  if (status === 204) return "";
  try {
    const told = JSON.parse(responseText);
    return told.errors?.map(({ field, message }) => `${field} ${message}`).join("; ") || told.detail;
  } catch {
    return status ? `Not uploaded (status ${status})` : "Not uploaded: the server cannot be reached";
  }
}

// The page as it is now, with what was not added still named.
async function refresh() {
  const rows = failed, some = done;
  failed = [];
  done = 0;
  if (!some || !$("[data-drop]")) return;
  await go(here(), "false");
  $("[data-uploads]")?.append(...rows);
}

for (const name of ["dragover", "dragleave", "drop"]) {
  on(name, (event) => {
    const form = $("[data-drop]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // beside the form, too: the browser would leave the page
    form.classList.toggle("is-over", name === "dragover");
    if (name === "drop") add(form, event.dataTransfer.files);
  });
}
on("change", ({ target }) => {
  if (!target.matches("[data-drop] [type=file]") || !target.files.length) return;
  add(target.form, target.files);
  target.value = "";
});
