/* Small helpers for every page. Everything works without them; nothing here writes HTML it did not get from the server. */
(() => {
  "use strict";
  const doc = document.documentElement;
  doc.classList.add("js");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* times in the viewer's zone, UTC when the switch says so */
  const pad = (n) => String(n).padStart(2, "0");
  const offset = (d) => {
    const m = -d.getTimezoneOffset();
    return (m < 0 ? "−" : "+") + pad(Math.floor(Math.abs(m) / 60)) + ":" + pad(Math.abs(m) % 60);
  };
  const month = new Intl.DateTimeFormat("en", { month: "short" });
  const long = new Intl.DateTimeFormat("en", { month: "long" });
  const times = (root) => {
    if (doc.dataset.zone === "utc") return;
    for (const el of all("time[datetime]", root)) {
      if (el.dataset.done) continue;
      const d = new Date(el.dateTime.replace(/(\.\d{3})\d*Z$/, "$1Z"));
      if (Number.isNaN(d.getTime())) continue;
      const hms = pad(d.getHours()) + ":" + pad(d.getMinutes()) + ":" + pad(d.getSeconds());
      el.dataset.done = "1";
      el.title = d.getDate() + " " + long.format(d) + " " + d.getFullYear() + " " + hms + "." + String(d.getMilliseconds()).padStart(3, "0") + " " + offset(d);
      const today = new Date().toDateString() === d.toDateString();
      if (el.dataset.f === "clock") el.textContent = today ? hms : d.getDate() + " " + month.format(d) + " " + hms.slice(0, 5);
      if (el.dataset.f === "day") el.textContent = d.getDate() + " " + month.format(d) + " " + hms.slice(0, 5);
      if (el.dataset.f === "full") el.textContent = d.getDate() + " " + month.format(d) + " " + d.getFullYear() + " " + hms + " " + offset(d);
    }
  };

  /* copying */
  const copy = async (button) => {
    const target = button.dataset.copy ? document.getElementById(button.dataset.copy) : null;
    let text = target ? target.textContent : button.dataset.text || "";
    if (text.startsWith("/")) text = location.origin + text;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const old = button.dataset.label || button.textContent;
    button.dataset.label = old;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = old), 1200);
  };

  /* one step's detail beside the tree, the address following */
  const board = () => document.querySelector("[data-board]");
  const openStep = async (span, push) => {
    const here = board();
    const column = document.getElementById("detail");
    if (!here || !column) return false;
    for (const row of all(".wf .row")) {
      const hit = row.dataset.span === span;
      row.classList.toggle("sel", hit);
      if (hit) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    const address = new URL(location.href);
    if (span) address.searchParams.set("span", span);
    else address.searchParams.delete("span");
    address.hash = "";
    if (push) history.pushState({ span }, "", address);
    for (const tab of all("a.tab")) {
      const to = new URL(tab.href);
      if (span) to.searchParams.set("span", span);
      else to.searchParams.delete("span");
      tab.href = to.href;
    }
    column.classList.toggle("open", Boolean(span));
    here.classList.toggle("open", Boolean(span));
    if (!span) {
      const empty = document.getElementById("detail-empty");
      column.replaceChildren(...(empty ? [empty.content.cloneNode(true)] : []));
      return true;
    }
    const ask = new URL(here.dataset.detail + "/" + span, location.origin);
    ask.search = address.search;
    ask.searchParams.set("tab", here.dataset.tab);
    const slow = setTimeout(() => column.setAttribute("aria-busy", "true"), 100);
    const answer = await fetch(ask, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    clearTimeout(slow);
    column.removeAttribute("aria-busy");
    if (answer.status === 401) return location.reload();
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    column.replaceChildren(...parsed.body.childNodes);
    column.scrollTop = 0;
    times(column);
    const turn = document.getElementById("t-" + span);
    for (const old of all(".msg.hit")) old.classList.remove("hit");
    if (turn) {
      turn.classList.add("hit");
      if (push) turn.scrollIntoView({ block: "center" });
    }
    return true;
  };
  addEventListener("popstate", () => {
    if (board()) openStep(new URL(location.href).searchParams.get("span") || "", false);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy],[data-text]");
    if (button) {
      event.preventDefault();
      return void copy(button);
    }
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const step = event.target.closest("a[data-span]");
    if (step && board()) {
      event.preventDefault();
      openStep(step.dataset.span, true);
    }
  });

  /* keys: / searches, arrows and j k walk the tree or the list, Escape closes */
  const walk = (delta) => {
    const rows = all(".wf .row, .runs .title a");
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    const from = at < 0 ? rows.findIndex((r) => r.classList.contains("sel")) : at;
    const next = rows[Math.max(0, Math.min(rows.length - 1, from + delta))];
    next.focus();
  };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        return menu.querySelector("summary").focus();
      }
      if (typing) return event.target.blur();
      if (board() && new URL(location.href).searchParams.get("span")) openStep("", true);
      return;
    }
    if (typing) return;
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector(".search .in")?.focus();
    }
    const arrows = document.activeElement?.matches(".wf .row");
    if (event.key === "j" || (event.key === "ArrowDown" && arrows)) event.preventDefault(), walk(1);
    if (event.key === "k" || (event.key === "ArrowUp" && arrows)) event.preventDefault(), walk(-1);
  });

  /* light, dark, system and UTC without a reload */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form.prefs") || !event.submitter) return;
    event.preventDefault();
    const { name, value } = event.submitter;
    fetch(form.action, { method: "POST", body: new URLSearchParams({ [name]: value }), redirect: "manual" });
    if (name === "zone") return setTimeout(() => location.reload(), 150);
    if (value === "system") delete doc.dataset.theme;
    else doc.dataset.theme = value;
    for (const b of all("form.prefs button[name=theme]")) b.setAttribute("aria-pressed", String(b.value === value));
    dispatchEvent(new Event("themechange"));
  });

  /* live lists: announce new runs; take them in at once only where nobody's hand is */
  let hovering = false;
  document.addEventListener("pointerover", (e) => (hovering = Boolean(e.target.closest?.("#list"))));
  document.addEventListener("htmx:afterSettle", (event) => {
    times(document);
    zones();
    const fresh = document.querySelector("#newbar a");
    const calm = scrollY < 8 && !hovering && !document.querySelector("#list :focus") && document.visibilityState === "visible";
    if (fresh && calm && window.htmx) fresh.click();
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => times(event.target.parentNode || document));
  for (const details of all("details[data-wide]")) if (innerWidth < 861) details.open = false;
  const zones = () => { if (doc.dataset.zone !== "utc") for (const el of all("[data-tz]")) el.textContent = offset(new Date()); };
  zones();
  times(document);
  document.querySelector(".wf .row.sel")?.scrollIntoView({ block: "nearest" });
  const hit = document.querySelector(".msg.hit");
  if (hit) hit.scrollIntoView({ block: "center" });
})();
