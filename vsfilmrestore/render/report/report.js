"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const data = JSON.parse(one("data").textContent);
  document.documentElement.classList.add("js");

  /* The cursor over the curves. */
  const plots = document.querySelector(".plots"), cursor = one("cursor"), readout = one("readout");
  const bins = data.first.length, values = [...plots.querySelectorAll(".key .value")];
  let place = 0, jump = -1;
  const short = (value) => value === null ? "–" : String(Number(value.toPrecision(3)));
  const binOf = (frame) => {
    let at = 0;
    while (at + 1 < bins && data.first[at + 1] <= frame) at += 1;
    return at;
  };
  const area = () => {
    const box = plots.querySelector(".plot").getBoundingClientRect(), whole = plots.getBoundingClientRect();
    return {left: box.left - whole.left, width: box.width, at: box.left};
  };
  const go = (bin, text) => {
    if (!bins) return;
    place = Math.max(0, Math.min(bins - 1, bin));
    const box = area();
    cursor.style.left = `${box.left + box.width * (place + 0.5) / bins}px`;
    values.forEach((each, n) => { each.textContent = short(data.series[n].values[place] ?? null); });
    const told = `${data.tc[place]} · ${data.names[data.shot[place]] || ""}`;
    readout.textContent = text || told;
    cursor.setAttribute("aria-valuenow", data.first[place]);
    cursor.setAttribute("aria-valuetext", told);
  };
  const toShot = (index) => {
    const row = one(data.anchors[index]);
    if (row) { row.scrollIntoView({block: "center"}); row.focus({preventScroll: true}); }
  };
  const pointed = (event) => { const box = area(); return Math.floor((event.clientX - box.at) / box.width * bins); };
  plots.addEventListener("pointermove", (event) => go(pointed(event)));
  plots.addEventListener("click", (event) => {
    if (event.target.closest("a")) return;
    go(pointed(event));
    cursor.focus({preventScroll: true});
  });
  cursor.addEventListener("keydown", (event) => {
    const moves = {ArrowRight: 1, ArrowLeft: -1, PageDown: Math.ceil(bins / 10), PageUp: -Math.ceil(bins / 10)};
    if (event.key in moves) go(place + moves[event.key]);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(bins - 1);
    else if (event.key === "Enter") toShot(data.shot[place]);
    else return;
    event.preventDefault();
  });
  addEventListener("resize", () => go(place, readout.textContent));
  go(0);

  /* Frames under one slider. */
  const stills = [...document.querySelectorAll(".still")], strip = one("filmstrip"), stage = one("stills");
  let shown = -1;
  const show = (number, quietly) => {
    if (!stills.length) return;
    shown = (number + stills.length) % stills.length;
    stills.forEach((still, n) => still.classList.toggle("current", n === shown));
    strip.querySelectorAll("button").forEach((button, n) => button.setAttribute("aria-current", String(n === shown)));
    if (!quietly) stills[shown].querySelector("input").focus({preventScroll: true});
  };
  let group = null, row = null;
  stills.forEach((still, number) => {
    if (still.dataset.group !== group) {
      group = still.dataset.group;
      row = strip.appendChild(document.createElement("div"));
      row.appendChild(document.createElement("small")).textContent = group;
    }
    const button = row.appendChild(document.createElement("button"));
    const picture = button.appendChild(document.createElement("img"));
    picture.src = still.querySelector(".after img").src;
    picture.alt = `${group}, ${still.dataset.tc}`;
    button.type = "button";
    button.addEventListener("click", () => show(number));
    const slider = still.querySelector("input"), pair = still.querySelector(".pair");
    const made = still.querySelector("img");
    pair.style.maxWidth = `min(100%, ${82 * made.getAttribute("width") / made.getAttribute("height")}vh)`;
    slider.addEventListener("input", () => pair.style.setProperty("--x", `${slider.value}%`));
  });
  const mask = one("mask");
  const toggle = () => mask && mask.setAttribute("aria-pressed", String(stage.classList.toggle("masked")));
  if (mask) mask.addEventListener("click", toggle);
  if (stills.length) {
    const glance = one("glance"), first = stills[0].querySelectorAll(".side img");
    ["Before", "After"].forEach((word, n) => {
      const figure = glance.appendChild(document.createElement("span")), picture = figure.appendChild(first[n].cloneNode());
      picture.alt = `${word}: the frame that was changed most`;
      figure.appendChild(document.createElement("small")).textContent = word.toLowerCase();
    });
    one("still-back").addEventListener("click", () => show(shown - 1));
    one("still-on").addEventListener("click", () => show(shown + 1));
    show(0, true);
  }

  /* Modified frames. */
  const leap = (number) => {
    const count = data.jumps.length;
    if (!count) return;
    jump = (number + count) % count;
    const [frame, timecode, shot, text] = data.jumps[jump];
    go(binOf(frame), `${timecode} · ${data.names[shot]} · frame ${frame} · ${text} · ${jump + 1} of ${count}`);
    const still = stills.findIndex((each) => Number(each.dataset.frame) === frame);
    if (still >= 0) show(still, true);
  };
  if (one("jump-on")) {
    one("jump-on").addEventListener("click", () => leap(jump + 1));
    one("jump-back").addEventListener("click", () => leap(jump < 0 ? -1 : jump - 1));
  }
  document.querySelectorAll("[data-jump]").forEach((button) => button.addEventListener("click", () => {
    leap(Number(button.dataset.jump));
    plots.scrollIntoView({block: "nearest"});
  }));

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {n: () => show(shown + 1), p: () => show(shown - 1), m: toggle, j: () => leap(jump + 1), k: () => leap(jump < 0 ? -1 : jump - 1)};
    const act = keys[event.key.toLowerCase()];
    if (act) { act(); event.preventDefault(); }
  });
})();
