"""Faults of a page's layout, as a browser sees them."""

from playwright.sync_api import Page

# Texts that stand outside the box of their paragraph, cell or control and are not cut off there,
# and what makes the page wider than the window. The last word of each line says where it is.
_FAULTS = """() => {
  const faults = [];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const path = (one) => {
    const names = [];
    for (let at = one; at && at !== document.body && names.length < 4; at = at.parentElement)
      names.unshift(at.tagName.toLowerCase() + (at.className?.baseVal ?? at.className ? "." + [...at.classList].join(".") : ""));
    return names.join(" > ");
  };
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) faults.push(`the page is ${wide} wide, the window ${innerWidth}`);
  const clips = (style) => style.overflowX !== "visible" || style.clipPath !== "none";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const parent = text.parentElement;
    if (!text.data.trim() || !shown(parent) || parent.closest("option, script, .skip")) continue;
    range.selectNodeContents(text);
    let { left, right } = range.getBoundingClientRect();
    if (left === right) continue;
    let at = parent;
    for (; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.display === "inline" || style.display === "contents") continue;
      const box = at.getBoundingClientRect();
      if (clips(style)) { at = null; break; }
      if (left < box.left - 1.5 || right > box.right + 1.5) {
        faults.push(`${Math.round(left)}–${Math.round(right)} of ${Math.round(box.left)}–${Math.round(box.right)}: ${path(at)}: ${text.data.trim().slice(0, 30)}`);
        break;
      }
      if (style.position === "fixed" || style.position === "absolute") break;
    }
  }
  for (const control of document.querySelectorAll("main :is(input, select, textarea, button, .button, .pill, .tile, .chip)")) {
    if (!shown(control) || control.closest(".sr, .menu-body") || control.matches("[type=hidden], .sr, .unscripted")) continue;
    const box = control.getBoundingClientRect();
    if (!box.width) continue;
    let holder = control.parentElement;
    let isCut = false;
    for (; holder && !holder.matches(".card, .notice, main"); holder = holder.parentElement) {
      const style = getComputedStyle(holder);
      if (style.overflowX === "auto" || style.overflowX === "hidden") isCut = true;
    }
    if (isCut || !holder) continue;
    const around = holder.getBoundingClientRect();
    if (box.left < around.left - 1 || box.right > around.right + 1)
      faults.push(`control ${Math.round(box.left)}–${Math.round(box.right)} of ${Math.round(around.left)}–${Math.round(around.right)}: ${path(control)}`);
  }
  return [...new Set(faults)].slice(0, 12);
}"""


def faults(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_FAULTS)
    return found
