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
    if (button.dataset.curl) text = "curl -H 'Authorization: Bearer '\"$TRACETAPE_KEY\" '" + (location.origin + button.dataset.curl).replace(/'/g, "%27") + "'";
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
    setTimeout(() => button.closest("details.menu")?.removeAttribute("open"), 700);
  };

  /* the tree and one step's detail beside it, the address following */
  const board = () => document.querySelector("[data-board]");
  const part = async (address) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.status === 401) location.reload();
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const partAddress = (page, name) => {
    const to = new URL(page, location.origin);
    to.pathname = board().dataset.run + name;
    to.searchParams.set("tab", board().dataset.tab);
    return to;
  };
  const rowOf = (span) => (span ? document.querySelector('.wf .go[data-span="' + CSS.escape(span) + '"]')?.closest(".row") : null);
  let asked = 0;
  const loadTree = async (page, push) => {
    const turn = ++asked;
    const slow = setTimeout(() => document.getElementById("tree").classList.add("busy"), 100);
    const fresh = (await part(partAddress(page, "/tree"))).getElementById("tree");
    clearTimeout(slow);
    /* an answer that was overtaken by a later question is dropped */
    if (!fresh || turn !== asked) return;
    const tree = document.getElementById("tree");
    const focused = document.activeElement?.closest?.(".wf .row")?.querySelector("a.tw");
    const label = focused?.getAttribute("aria-label")?.replace(/^\w+ /, "");
    const at = focused ? all(".wf a.tw").indexOf(focused) : -1;
    tree.replaceWith(fresh);
    if (push) history.pushState(history.state, "", page);
    const again = at >= 0 ? all(".wf a.tw")[at] : null;
    if (again && again.getAttribute("aria-label").endsWith(label)) again.closest(".row").querySelector(".go").focus({ preventScroll: true });
    watchMore();
  };
  const more = async (box) => {
    if (box.dataset.busy) return;
    box.dataset.busy = "1";
    const fresh = (await part(box.dataset.more)).getElementById("tree");
    const rows = document.querySelector("#tree .rows");
    if (!fresh || !rows || !box.isConnected) return;
    rows.append(...fresh.querySelectorAll(".row"));
    const next = fresh.querySelector("[data-more]");
    if (next) box.replaceWith(next);
    else box.remove();
    watchMore();
  };
  const seen = new IntersectionObserver((found) => found.forEach((f) => f.isIntersecting && all("#tree .row").length < 6000 && more(f.target)), { rootMargin: "600px" });
  const watchMore = () => all("[data-more]").forEach((box) => seen.observe(box));
  watchMore();
  const openStep = async (span, push, page) => {
    const here = board();
    const column = document.getElementById("detail");
    if (!here || !column) return false;
    const address = new URL(page || location.href, location.origin);
    if (span) address.searchParams.set("span", span);
    else address.searchParams.delete("span");
    address.searchParams.delete("from");
    address.hash = "";
    /* a turn of another part: the server knows which */
    if (push && rowOf(span)?.querySelector(".k-model, .k-tool") && document.querySelector("[data-parts]") && !document.getElementById("t-" + span)) {
      address.hash = "t-" + span;
      location.href = address;
      return true;
    }
    if (push) history.pushState({ span }, "", address);
    for (const old of all(".wf .row.sel")) {
      old.classList.remove("sel");
      old.querySelector(".go").removeAttribute("aria-current");
    }
    const mark = () => {
      const row = rowOf(span);
      row?.classList.add("sel");
      row?.querySelector(".go").setAttribute("aria-current", "true");
      return row;
    };
    /* a tree still on its way would put the page back to before this click */
    asked += 1;
    if (!mark() && span) {
      await loadTree(address, false);
      mark()?.scrollIntoView({ block: "center" });
    }
    for (const tab of all("a.tab")) {
      const to = new URL(tab.href);
      if (span) to.searchParams.set("span", span);
      else to.searchParams.delete("span");
      tab.href = to.href;
    }
    column.classList.toggle("open", Boolean(span));
    column.hidden = !span && here.dataset.tab !== "timeline";
    here.classList.toggle("open", Boolean(span));
    if (!span) {
      const empty = document.getElementById("detail-empty");
      column.replaceChildren(...(empty ? [empty.content.cloneNode(true)] : []));
      return true;
    }
    const slow = setTimeout(() => column.setAttribute("aria-busy", "true"), 100);
    const parsed = await part(partAddress(address, "/detail/" + span));
    clearTimeout(slow);
    column.removeAttribute("aria-busy");
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
  addEventListener("popstate", async () => {
    if (!board()) return;
    const here = location.href;
    await loadTree(here, false);
    /* a second press of Back came meanwhile; its own turn shows that page */
    if (location.href !== here) return;
    openStep(new URL(location.href).searchParams.get("span") || "", false);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy],[data-text],[data-curl]");
    if (button) {
      event.preventDefault();
      return void copy(button);
    }
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const twist = event.target.closest("a[data-tree]");
    if (twist && board()) {
      event.preventDefault();
      return void loadTree(twist.href, true);
    }
    const step = event.target.closest("a[data-span]");
    if (step && board()) {
      event.preventDefault();
      openStep(step.dataset.span, true, step.href);
    }
  });

  /* the palette: any page by its name or by the words people use for it, else a search */
  const palette = document.getElementById("palette");
  const keysHelp = document.getElementById("keys");
  const openDialog = (dialog) => {
    if (!dialog || dialog.open) return;
    for (const menu of all("details.menu[open]")) menu.open = false;
    dialog.showModal();
    const input = dialog.querySelector("#palette-q");
    if (input) {
      input.value = "";
      find("");
      input.focus();
    }
  };
  /* the focus stays in the field, so the field tells a screen reader which line is chosen */
  const choose = (chosen) => {
    for (const li of all("#palette-list li")) {
      li.classList.toggle("on", li === chosen);
      li.firstElementChild.setAttribute("aria-selected", String(li === chosen));
    }
    const input = palette.querySelector("#palette-q");
    if (chosen) input.setAttribute("aria-activedescendant", chosen.firstElementChild.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const find = (typed) => {
    const needle = typed.trim().toLowerCase();
    const rows = all("#palette-list li");
    const shown = rows.filter((li) => {
      const hit = li.hasAttribute("data-search") ? needle : !needle || needle.split(/\s+/).every((w) => li.dataset.words.split(/\s+/).some((have) => have.startsWith(w)));
      li.hidden = !hit;
      return hit;
    });
    const starts = (li) => li.dataset.words.startsWith(needle);
    choose(shown.find(starts) || shown[0]);
  };
  const step = (delta) => {
    const shown = all("#palette-list li").filter((li) => !li.hidden);
    const at = shown.findIndex((li) => li.classList.contains("on"));
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + delta))];
    choose(next);
    next?.scrollIntoView({ block: "nearest" });
  };
  const take = (li) => {
    if (!li) return;
    if (li.hasAttribute("data-search")) return palette.querySelector("form").submit();
    location.href = li.querySelector("a").href;
  };
  if (palette) {
    const input = palette.querySelector("#palette-q");
    input.addEventListener("input", () => find(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") event.preventDefault(), step(event.key === "ArrowDown" ? 1 : -1);
      if (event.key === "Enter") {
        event.preventDefault();
        /* a pasted id or several words are searched, a word that names a page opens it */
        if (/^[0-9a-f-]{32,36}$/i.test(input.value.trim())) return palette.querySelector("form").submit();
        take(palette.querySelector("li.on:not([hidden])"));
      }
    });
    palette.addEventListener("click", (event) => {
      const li = event.target.closest("li");
      if (li) event.preventDefault(), take(li);
      else if (event.target === palette) palette.close();
    });
  }
  keysHelp?.addEventListener("click", (event) => event.target === keysHelp && keysHelp.close());
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) openDialog(document.getElementById(opener.dataset.dialog));
  });
  /* single-letter keys can be switched off */
  const KEYS_OFF = "tracetape-keys-off";
  const lettersOff = () => { try { return localStorage.getItem(KEYS_OFF) === "1"; } catch { return false; } };
  const toggle = document.getElementById("single-keys");
  if (toggle) {
    toggle.checked = !lettersOff();
    toggle.addEventListener("change", () => { try { localStorage.setItem(KEYS_OFF, toggle.checked ? "" : "1"); } catch { /* a private window forgets */ } });
  }
  const GO = { o: "Overview", r: "Runs", w: "Workflows", i: "Incidents" };
  let going = 0;
  const letter = (event) => {
    const follow = (link) => link && (event.preventDefault(), link.click());
    if (event.key === "?") return openDialog(keysHelp);
    if (performance.now() < going && GO[event.key]) {
      going = 0;
      return follow(all(".side nav a").find((a) => a.textContent.trim().startsWith(GO[event.key])));
    }
    if (event.key === "g") going = performance.now() + 1200;
    const tabs = all("a.tab");
    if (event.key === "t") follow(tabs.find((a) => a.textContent === "Timeline"));
    if (event.key === "c") follow(tabs.find((a) => a.textContent === "Conversation"));
  };

  /* the icon of the tab shows how many incidents fire */
  const icon = document.querySelector('link[rel="icon"]');
  document.addEventListener("htmx:afterSwap", () => {
    const firing = Number(document.querySelector(".dot")?.dataset.firing || 0);
    const wanted = firing ? icon.dataset.loud + Math.min(firing, 99) + ".svg" : icon.dataset.quiet;
    if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  });

  /* a page that takes more than a second says that it is on its way, and for how long */
  const NO_PAGE = /\/(export|share)$/;
  let wait = 0;
  const arrived = () => {
    clearInterval(wait);
    document.querySelector(".underway[data-live]")?.remove();
  };
  let leaving = null;
  document.addEventListener("click", (event) => (leaving = event.target.closest?.("a[href]")), true);
  document.addEventListener("submit", (event) => (leaving = event.submitter || event.target), true);
  addEventListener("beforeunload", () => {
    const to = leaving?.href || leaving?.formAction || leaving?.action || location.href;
    if (leaving?.hasAttribute("download") || NO_PAGE.test(new URL(to, location.origin).pathname)) return;
    arrived();
    const from = performance.now();
    wait = setInterval(() => {
      const seconds = Math.floor((performance.now() - from) / 1000);
      if (seconds < 1) return;
      let told = document.querySelector(".underway[data-live]");
      if (!told) {
        told = document.createElement("div");
        told.className = "underway";
        told.dataset.live = "1";
        told.setAttribute("role", "status");
        document.body.append(told);
      }
      told.textContent = "On its way: " + seconds + " s";
    }, 250);
  });
  addEventListener("pageshow", arrived);
  addEventListener("pointerdown", arrived);

  /* keys: / searches, arrows and j k walk the tree or the list, Escape closes */
  const walk = (delta) => {
    const rows = all(".wf .go, .runs .title a");
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    const from = at < 0 ? rows.findIndex((r) => r.getAttribute("aria-current")) : at;
    const next = rows[Math.max(0, Math.min(rows.length - 1, from + delta))];
    next.focus();
  };
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette) {
      event.preventDefault();
      return openDialog(palette);
    }
    if (event.altKey || event.metaKey || event.ctrlKey || document.querySelector("dialog[open]")) return;
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
    const lettersWork = !lettersOff();
    if (lettersWork) letter(event);
    if (event.key === "/" && lettersWork) {
      event.preventDefault();
      document.querySelector(".search .in")?.focus();
    }
    const arrows = document.activeElement?.matches(".wf .go");
    if (arrows && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      const twist = document.activeElement.closest(".row").querySelector("a.tw");
      if (twist && (twist.getAttribute("aria-expanded") === "true") === (event.key === "ArrowLeft")) event.preventDefault(), twist.click();
    }
    if ((event.key === "j" && lettersWork) || (event.key === "ArrowDown" && arrows)) event.preventDefault(), walk(1);
    if ((event.key === "k" && lettersWork) || (event.key === "ArrowUp" && arrows)) event.preventDefault(), walk(-1);
  });

  /* light, dark, system and UTC without a reload */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form.prefs") || !event.submitter) return;
    event.preventDefault();
    const { name, value } = event.submitter;
    const kept = fetch(form.action, { method: "POST", body: new URLSearchParams({ [name]: value }), redirect: "manual" });
    if (name === "zone") return void kept.finally(() => location.reload());
    if (value === "system") delete doc.dataset.theme;
    else doc.dataset.theme = value;
    for (const b of all("form.prefs button[name=theme]")) b.setAttribute("aria-pressed", String(b.value === value));
    dispatchEvent(new Event("themechange"));
  });

  /* dragging over the bars of a list narrows it to their time; a click opens one bar */
  const brushable = (hist) => {
    if (hist.dataset.ready) return;
    hist.dataset.ready = "1";
    let from = null;
    const at = (event) => {
      const box = hist.getBoundingClientRect();
      return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    };
    const mark = hist.querySelector(".brush");
    hist.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse" && event.button === 0) from = at(event); });
    hist.addEventListener("dragstart", (event) => event.preventDefault());
    addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = at(event);
      mark.setAttribute("x", 100 * Math.min(from, to));
      mark.setAttribute("width", 100 * Math.abs(to - from));
    });
    addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [low, high] = [from, at(event)].sort((a, b) => a - b);
      from = null;
      mark.setAttribute("width", 0);
      if (high - low < 0.01) return;
      hist.addEventListener("click", (e) => e.preventDefault(), { capture: true, once: true });
      const [since, until] = [hist.dataset.since, hist.dataset.until].map((t) => new Date(t).getTime());
      const when = (share) => new Date(since + (until - since) * share).toISOString().slice(0, 19) + "Z";
      const address = new URL(location.href);
      for (const name of ["range", "cursor"]) address.searchParams.delete(name);
      address.searchParams.set("since", when(low));
      address.searchParams.set("until", when(high));
      location.href = address;
    });
  };
  all(".hist").forEach(brushable);

  /* runs chosen for a comparison, a download or a pin stay chosen when new rows come in */
  const chosen = () => all(".choose:checked").map((box) => box.value);
  const countChosen = () => {
    const number = chosen().length;
    const out = document.getElementById("how-many");
    const compare = document.getElementById("compare-chosen");
    if (out) out.textContent = " " + number;
    if (!compare) return;
    compare.textContent = number === 1 ? "Compare with the last good one" : "Compare two";
    compare.disabled = number > 2;
  };
  let held = [];
  document.addEventListener("change", (event) => event.target.matches(".choose") && countChosen());
  document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target?.id === "list") held = chosen(); });
  /* a row that changed is put in place alone */
  document.addEventListener("htmx:oobBeforeSwap", (event) => { if (event.detail.target?.querySelector?.("#list .choose:checked")) held = chosen(); });
  countChosen();
  /* fields that were left empty do not stand in the address */
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const field of all("[data-moment]", event.target)) if (field.value && doc.dataset.zone !== "utc") event.formData.set(field.name, new Date(field.value).toISOString().slice(0, 19) + "Z");
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });

  /* live lists: announce new runs; take them in at once only where nobody's hand is */
  let hovering = false;
  document.addEventListener("pointerover", (e) => (hovering = Boolean(e.target.closest?.("#list"))));
  document.addEventListener("htmx:afterSettle", (event) => {
    times(document);
    zones();
    all(".hist").forEach(brushable);
    for (const box of all(".choose")) if (held.includes(box.value)) box.checked = true;
    held = [];
    countChosen();
    const fresh = document.querySelector("#newbar a");
    const calm = scrollY < 8 && !hovering && !document.querySelector("#list :focus, .choose:checked") && document.visibilityState === "visible";
    if (fresh && calm && window.htmx) fresh.click();
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => times(event.target.parentNode || document));
  for (const details of all("details[data-wide]")) if (innerWidth < 861) details.open = false;
  const zones = () => { if (doc.dataset.zone !== "utc") for (const el of all("[data-tz]")) el.textContent = offset(new Date()); };
  zones();
  /* a form takes times in the viewer's zone and sends UTC; what the server wrote counts, not what a reload restores */
  if (doc.dataset.zone !== "utc") {
    for (const el of all("[data-zone-name]")) el.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || offset(new Date());
    for (const field of all("[data-moment]")) {
      const d = new Date(field.getAttribute("value") + "Z");
      field.value = new Date(d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    }
  }
  times(document);
  addEventListener("times", () => times(document));
  /* a step that the address names is shown; one that the page chose by itself moves nothing */
  if (new URL(location.href).searchParams.get("span")) document.querySelector(".wf .row.sel")?.scrollIntoView({ block: "nearest" });
  const hit = document.querySelector(".msg.hit");
  if (hit) hit.scrollIntoView({ block: "center" });
})();
