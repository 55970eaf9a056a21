// Elements made of text: nothing here, or anywhere on this page, makes markup of a string.

/**
 * Make an element. `props` are attributes; `class`, `data-*` and `aria-*` among them; a function is a listener.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | ((event: any) => void)>} [props]
 * @param {...(Node | string | number | null | undefined)} children strings become text nodes
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false) made.setAttribute(name, String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

/**
 * Set an element's text, only where it differs: a change is read out by screen readers.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return a function that calls `draw` once in the next animation frame, however often it is called before.
 * A hidden tab draws when it is shown again.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function eachFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/**
 * Return a moment as the operator's clock shows it; an empty string for none.
 * @param {string | null | undefined} at ISO 8601
 */
export function moment(at) {
  if (!at) return "";
  const found = new Date(at);
  if (Number.isNaN(found.getTime())) return String(at);
  const today = found.toDateString() === new Date().toDateString();
  return today ? found.toLocaleTimeString() : found.toLocaleString();
}
