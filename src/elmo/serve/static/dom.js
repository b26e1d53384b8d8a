// Elements are made by hand: nothing that comes from a text is ever read as HTML.

const RIGHT_TO_LEFT = /^[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

/** An element: h("p", {class: "quiet"}, "text", child). "on…" are listeners, "--…" custom properties. */
export function h(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

/** The same for SVG. */
export function svg(name, properties = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

function filled(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** "rtl" or "ltr", by the first letter of a text. */
export function direction(text) {
  const letter = text.match(/\p{L}/u);
  return letter && RIGHT_TO_LEFT.test(letter[0]) ? "rtl" : "ltr";
}

/** Text that keeps its own direction beside others. */
export const word = (text, properties = {}) => h("bdi", { class: "word", ...properties }, text);

export const hidden = (text) => h("span", { class: "hidden" }, text);

/** Radio buttons: one of several [value, label]. */
export function choice(legend, name, options, chosen, changed) {
  const group = `${name}-${Math.random().toString(36).slice(2)}`;
  return h("fieldset", { class: "choice" }, h("legend", { class: "quiet" }, legend),
    options.map(([value, label]) => h("label", {},
      h("input", { type: "radio", name: group, value, checked: value === chosen, onchange: () => changed(value) }),
      h("span", {}, label))));
}

/** Left and right (and Home, End) move the focus among elements, of which one can be tabbed to. */
export function roving(list, selector) {
  const all = () => [...list.querySelectorAll(selector)];
  const reach = (item) => { for (const one of all()) one.tabIndex = one === item ? 0 : -1; };
  if (all().length) reach(all().find((one) => one.getAttribute("aria-pressed") === "true") ?? all()[0]);
  list.addEventListener("focusin", (event) => { const item = event.target.closest(selector); if (item) reach(item); });
  list.addEventListener("keydown", (event) => {
    const items = all(), at = items.indexOf(event.target.closest(selector));
    const back = list.dir === "rtl" ? "ArrowRight" : "ArrowLeft", on = list.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const to = { [back]: at - 1, [on]: at + 1, ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: items.length - 1 }[event.key];
    if (at < 0 || to === undefined || !items[to]) return;
    event.preventDefault();
    items[to].focus();
  });
}

/** Say something to those who do not see it. */
export function say(text) { byId("status").textContent = text; }

/** Show what went wrong, or nothing. */
export function notice(error) {
  const place = byId("notice");
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}

/** Run a question while a place is marked as busy; what goes wrong is shown. Gives undefined then. */
export async function busy(place, question) {
  place.setAttribute("aria-busy", "true");
  try {
    notice(null);
    return await question();
  } catch (error) {
    if (error.name !== "AbortError") notice(error);
    return undefined;
  } finally {
    place.removeAttribute("aria-busy");
  }
}
