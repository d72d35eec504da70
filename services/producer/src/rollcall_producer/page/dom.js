/** Elements. What is put into them is text, and never markup. */

const FEW = 5;

/**
 * Find an element of the page by its id.
 * @param {string} id
 * @returns {any}
 */
export function find(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Make an element.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Make an element of SVG.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Make an icon out of those that the page defines.
 * @param {string} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: `#icon-${name}` }));
}

/**
 * Have a list show rows in their order, and touch only those that have changed. A few that are new are marked as such.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} rows
 */
export function arrange(list, rows) {
  const wanted = new Set(rows);
  const fresh = rows.filter((row) => row.parentNode !== list);
  const areFew = list.children.length > 0 && fresh.length <= FEW;
  for (const row of fresh) row.classList.toggle("fresh", areFew);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  let next = list.firstElementChild;
  for (const row of rows) {
    if (row === next) next = next.nextElementSibling;
    else list.insertBefore(row, next);
  }
}

/**
 * Set an element's text if it is another one, so that nothing is laid out or read out without need.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
