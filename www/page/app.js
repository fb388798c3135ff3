// @ts-check
/** Puts the page together: what is added goes to the scorer, what comes back goes to the table. */
import { deviceOf } from "../lib/address.js";
import { Scorer } from "../lib/scorer.js";
import { openingSet } from "../lib/sets.js";
import { describeModel } from "./about.js";
import { AddedImages } from "./added-images.js";
import { makeAnnounce } from "./announce.js";
import { showDevice } from "./device-line.js";
import { byId } from "./dom.js";
import { exportResults } from "./export.js";
import { acceptFiles } from "./files.js";
import { FirstLook } from "./first-look.js";
import { ModelLoader } from "./model-loader.js";
import { makeNotices } from "./notices.js";
import { keepOffline } from "./offline.js";
import { ProductLook } from "./product-look.js";
import { controlResults } from "./results.js";
import { RowDialog } from "./row-dialog.js";
import { Samples } from "./samples.js";
import { ScoringQueue } from "./scoring-queue.js";
import { SecondMethod } from "./second-method.js";
import { SetChoice } from "./set-choice.js";
import { PageState } from "./state.js";
import { ResultsTable } from "./table.js";
import { acceptTheme } from "./theme-switch.js";
import { ThresholdControl } from "./threshold.js";
import { TrainingLoader } from "./train-loader.js";

/** The service worker is registered this long after the first score. */
const KEEP_AFTER_MS = 500;

const parameters = new URLSearchParams(location.search);
const set = openingSet(parameters.get("set"), parameters.get("model"));
const announce = makeAnnounce(byId("status"));
const { notice, dismiss } = makeNotices(byId("notices"), announce);
acceptTheme(byId("theme"));

const scorer = new Scorer(deviceOf(parameters.get("device")));
scorer.addEventListener("restart", (event) => notice(/** @type {CustomEvent<string>} */ (event).detail, { about: "restart" }));
const state = new PageState(scorer);
showDevice({ state, asked: parameters.get("device"), notice, announce });
const loader = new ModelLoader({ scorer, state, notice, announce, set });
const { methods } = loader;

const table = new ResultsTable(byId("results", HTMLTableElement));
const queue = new ScoringQueue({ scorer, state, notice });
const threshold = new ThresholdControl({ state, scorer, table });
const rowDialog = new RowDialog(table);
const second = new SecondMethod({ scorer, methods, queue, table, rowDialog, notice, dismiss, announce });
describeModel({ state, methods });
controlResults({ table, queue, announce, onClear: () => second.comparison?.stop() });
exportResults({ state, table, threshold, second, notice });

const added = new AddedImages({ state, queue, table, announce });
const firstLook = new FirstLook({ state, scorer, queue, table });
const productLook = new ProductLook({ scorer, state, table, methods, announce });
const samples = new Samples({
  scorer, methods, added,
  chosen: (item, answer) => {
    if (item.part) productLook.take(item, item.part, answer);
    else void firstLook.show(item, answer, false);
  },
});
const choice = new SetChoice({ set, state, scorer, methods, samples, firstLook, productLook, announce });
for (const look of [firstLook, productLook]) {
  look.addEventListener("first", () => {
    setTimeout(() => void keepOffline({ idle: () => table.rows.length === 0 && queue.isEmpty }), KEEP_AFTER_MS);
  });
}
const training = new TrainingLoader({
  parameters,
  notice,
  load: async () => {
    const { initialise } = await import("./training/panel.js");
    return initialise({
      useModel: (blob, name) => loader.use(blob, name), notice, dismiss, announce,
      parts: () => choice.trainingParts(), onSet: (changed) => choice.addEventListener("change", changed),
    });
  },
});
acceptFiles({
  onPictures: added.add,
  onTraining: (files) => void training.panel().then((panel) => panel?.take(files)),
  onModel: (file) => void loader.use(file, file.name),
  onNotice: notice,
});

// The list comes behind the model, which the first score waits for.
void loader.loadFirst(set, parameters.get("model")).then(() => methods.read());
