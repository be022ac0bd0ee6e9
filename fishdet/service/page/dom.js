// Elements from data. Texts only ever become text nodes, so nothing that is shown can be markup.

/** An element: `h("p", {class: "soft"}, "text", other)`. Attributes that start with "on" are
 * listeners, `true` sets an attribute without a value, false, null and undefined leave it out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element of an id. */
export const at = (id) => document.getElementById(id);

/** Let `element` hold these children only. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}
