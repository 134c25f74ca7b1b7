// Short names for the questions that every module asks the document.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export const main = () => $("#main");
export const focused = () => document.activeElement;
export const currentUrl = () => location.pathname + location.search;

// The first element of the first selector that has one.
export function firstOf(root, ...selectors) {
  return selectors.map((selector) => $(selector, root)).find(Boolean);
}

export function isVisible(node) {
  return node?.isConnected && node.getClientRects().length > 0;
}

// Without scrolling: the page stays where its reader left it.
export function focusOn(node) {
  node?.focus({ preventScroll: true });
}

export function on(name, listener, options) {
  document.addEventListener(name, listener, options);
}

export const hasCommandKey = (event) => event.ctrlKey || event.metaKey;

export function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
