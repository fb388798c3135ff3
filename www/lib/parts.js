// @ts-check
/**
 * A part of a product line, rendered by the program, as a file.
 *
 * @typedef {import("../pkg/cpu/skip_ganomaly.js").PartRequest} PartRequest
 * @typedef {Pick<typeof import("../pkg/cpu/skip_ganomaly.js"), "render_part">} Renderer
 * @typedef {import("./protocol.js").Rendered} Rendered
 */
import { read } from "./engine.js";
import { outlineOf } from "./outline.js";
import { encodePng } from "./png.js";

/** Files up to this size are not packed, which takes time, and differs from browser to browser. */
const PACK_FROM = 65_000;

/** @param {Renderer} module @param {PartRequest} request @returns {Promise<Rendered>} */
export async function renderPart(module, request) {
  const { size, pixels, mask, box } = module.render_part(request);
  return { size, file: await encodePng(pixels, size, PACK_FROM), box, outline: outlineOf(mask, size) };
}

/**
 * A picture's file, wherever it comes from; of a part, all that was rendered.
 * @param {Renderer} module @param {import("./protocol.js").Source} source @returns {Promise<{ file: Uint8Array, rendered?: Rendered }>}
 */
export async function readOrRender(module, source) {
  if (!("part" in source)) return { file: await read(source) };
  const rendered = await renderPart(module, source.part);
  return { file: rendered.file, rendered };
}
