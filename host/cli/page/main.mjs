// The frame of the page: selects the view by the part of the address behind #.
//
// #/CHANNEL/VIEW/SEGMENT...?PARAMETERS

import { getAbout, place } from "./api.mjs";
import { block, blocks, costs } from "./blocks.mjs";
import { calls } from "./call.mjs";
import { chaincodes } from "./chaincodes.mjs";
import { fill, h, problem } from "./dom.mjs";
import { follow, live } from "./live.mjs";
import { key, privateData, state } from "./state.mjs";
import { transaction } from "./transaction.mjs";

const views = { live, blocks, block, tx: transaction, chaincodes, call: calls, state, key, private: privateData, costs };
const sections = [["live", "Live"], ["blocks", "Blocks"], ["chaincodes", "Chaincodes"], ["call", "Call"], ["state", "State"], ["costs", "Costs"]];
/** Views that belong to another section. */
const within = { block: "blocks", tx: "blocks", key: "state", private: "state" };

const main = document.getElementById("main");
const channels = document.getElementById("channel");
let leave = [];
let shown = 0;

const go = (to) => {
  if (location.hash === to) render();
  else location.hash = to;
};

function read(about) {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const segments = path === "" ? [] : path.split("/").map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  });
  const [channel = about.channels[0] ?? "", view = "live", ...rest] = segments;
  return { channel, view, segments: rest, parameters: new URLSearchParams(query ?? "") };
}

async function render() {
  if (location.hash !== "" && !location.hash.startsWith("#/")) return;
  const turn = (shown += 1);
  leave.forEach((left) => left());
  leave = [];
  try {
    const about = await getAbout();
    const where = read(about);
    frame(about, where);
    const view = Object.hasOwn(views, where.view) ? views[where.view] : null;
    if (!view) throw new Error(`this page has no view ${where.view}`);
    if (where.channel === "") throw new Error("this peer is on no channel yet");
    const left = [];
    const onLeave = (leaving) => (turn === shown ? left.push(leaving) : leaving());
    const content = await view({ ...where, about, go, onLeave });
    if (turn !== shown) {
      left.forEach((leaving) => leaving());
      return;
    }
    leave = left;
    fill(main, content);
    const title = main.querySelector("h1")?.textContent ?? "wasmcc";
    document.title = `${title} – wasmcc`;
  } catch (error) {
    if (turn === shown) fill(main, h("h1", null, "Not here"), problem(error));
  }
  if (turn === shown) {
    main.dataset.view = location.hash;
    if (turn > 1) {
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }
}

function frame(about, { channel, view }) {
  const current = within[view] ?? view;
  fill(document.getElementById("sections"), h("ul", null, sections.map(([name, words]) => h("li", null,
    h("a", { href: place([channel, name]), "aria-current": name === current ? "page" : null }, name === "call" && !about.calls ? "Functions" : words)))));
  fill(channels, [...new Set([...about.channels, channel])].map((name) => h("option", { value: name, selected: name === channel }, name)));
  fill(document.getElementById("about"), `wasmcc ${about.version}, peers of ${about.peers.join(", ")}${about.calls ? "" : "; for reading"}`);
}

channels.addEventListener("change", () => go(place([channels.value, "live"])));
document.getElementById("find").addEventListener("submit", async (event) => {
  event.preventDefault();
  const what = document.getElementById("what").value.trim();
  if (what === "") return;
  const { channel } = read(await getAbout());
  go(place([channel, /^[0-9]{1,15}$/.test(what) ? "block" : "tx", what]));
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", render);
const askAgain = async () => {
  const about = await getAbout(true);
  frame(about, read(about));
};
// A failure means that the connection is lost again, which is shown.
follow((words) => fill(document.getElementById("connection"), words), () => askAgain().catch(() => {}));
render();
