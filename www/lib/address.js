// @ts-check
/** What the address asks of the page itself. A run's settings in it are training/url-settings.js's. */

/** @param {string | null} asked @returns {"auto" | "cpu" | "webgpu"} "auto" where none is named, or none that there is */
export const deviceOf = (asked) => (asked === "cpu" || asked === "webgpu" ? asked : "auto");

/** Where the model is that the address asks for; null unless it is on the page's own site. @param {string} asked @param {string} page */
export function modelOf(asked, page) {
  let url;
  try {
    url = new URL(asked, page);
  } catch {
    return null; // no address at all
  }
  return url.origin === new URL(page).origin ? url : null;
}

/** What a file is called, by its address. @param {URL} url */
export function fileOf(url) {
  const name = url.pathname.split("/").at(-1) || "model";
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a % in it that stands for nothing
  }
}

/** Whether there is something for the training: everything that is not the page's own. @param {URLSearchParams} parameters */
export const asksForTraining = (parameters) => [...parameters.keys()].some((name) => !["model", "device", "set"].includes(name));
