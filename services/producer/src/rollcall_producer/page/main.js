/** The page, put together. */

import { Activity } from "./activity.js";
import { Alerts } from "./alerts.js";
import { Api } from "./api.js";
import { Feed } from "./feed.js";
import { UpdateForm } from "./form.js";
import { Pipeline } from "./pipeline.js";
import { Roster } from "./roster.js";
import { Source } from "./source.js";
import { ConnectionStatus } from "./status.js";
import { Token } from "./token.js";

const token = new Token(() => begin("latest"));
const api = new Api(token);
const roster = new Roster(api);
const activity = new Activity(api);
const alerts = new Alerts(api);
const pipeline = new Pipeline(api);
const feed = new Feed(begin);
const status = new ConnectionStatus();
new UpdateForm(api, token);

let isLive = true;

const source = new Source(api, {
  event: (event) => {
    feed.hear(event);
    if (isLive) activity.hear(event);
  },
  state: (record) => roster.hear(record),
  alert: (alert) => alerts.hear(alert),
  gap: (why) => feed.gap(why),
  anew: (why) => {
    feed.gap(why);
    status.mention(`${why}, and has begun anew, from what happens now.`);
  },
  refresh: () => {
    for (const panel of [roster, activity, alerts, pipeline]) panel.refresh();
  },
  status: (said, why) => {
    isLive = said !== "replaying";
    status.show(said, why);
    feed.place(said);
  },
});

/** @param {string} from */
function begin(from) {
  feed.clear();
  source.start(from);
}

begin("latest");
