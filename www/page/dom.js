// @ts-check
/** Elements of the document: finding those that are there, and making others. */
import { NAME_LENGTH, shortName } from "../lib/names.js";

/**
 * The element with this id; an error where there is none of this type.
 * @template {Element} [T=HTMLElement]
 * @param {string} id @param {new () => T} [type] @returns {T}
 */
export const byId = (id, type) => checked(document.getElementById(id), `#${id}`, type);

/**
 * The first element below another that fits a selector; an error where there is none of this type.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {new () => T} [type] @returns {T}
 */
export const find = (root, selector, type) => checked(root.querySelector(selector), selector, type);

/**
 * @template {Element} T
 * @param {Element | null} found @param {string} what @param {new () => T} [type] @returns {T}
 */
function checked(found, what, type) {
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`${what} is missing, or is another kind of element`);
  return /** @type {T} */ (found);
}

/**
 * A new element. Names with a hyphen, `for` and `role` are attributes, the rest are properties.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, unknown>} [properties] @param {(Node | string)[]} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "for" || name === "role") made.setAttribute(name, String(value));
    else Object.assign(made, { [name]: value });
  }
  made.append(...children);
  return made;
}

/**
 * A new element of a drawing.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, string>} attributes @param {SVGElement[]} children
 */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Hands on what is chosen in a file input, also before this is called. @param {string} id @param {(files: File[]) => void} take */
export function onFiles(id, take) {
  const input = byId(id, HTMLInputElement);
  const change = () => {
    const files = [...(input.files ?? [])];
    input.value = ""; // so that the same can be chosen again
    if (files.length > 0) take(files);
  };
  input.addEventListener("change", change);
  change();
}

/** Adds a style sheet, and resolves once it applies. @param {URL} url */
export function loadStyle(url) {
  return new Promise((resolve, reject) => {
    const link = element("link", { rel: "stylesheet", href: url.href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`${url.pathname.split("/").at(-1)} could not be fetched`));
    });
    document.head.append(link);
  });
}

/** Shows a name, shortened where it is long; the whole is then its title. @param {HTMLElement} place @param {string} name */
export function showName(place, name, most = NAME_LENGTH) {
  const shown = shortName(name, most);
  place.textContent = shown;
  if (shown === name) place.removeAttribute("title");
  else place.title = name;
}
