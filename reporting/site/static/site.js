// Charts with hover, zoom, range and table; the notice about a late day; comparing two days.
// Every page says all it has to say without this script.
"use strict";

const leadline = (() => {
  const root = document.body.dataset.root;
  const language = document.body.dataset.language;
  const waiting = new Map();
  const found = new Map();

  const TEXT = {
    en: { all: "All", table: "Table", png: "PNG", nothing: "no observation", date: "Date", help: "Chart. Arrow keys move from day to day, plus and minus zoom.", months: ["1 m", "3 m", "6 m", "1 y", "3 y"] },
    zh: { all: "全部", table: "表格", png: "PNG", nothing: "无观测", date: "日期", help: "图表。方向键逐日移动，加减键缩放。", months: ["1 个月", "3 个月", "6 个月", "1 年", "3 年"] },
  }[language];
  const RANGES = [30, 91, 182, 365, 1096];
  const ROWS_OF_TABLE = 400;

  // Data comes as scripts, because a page opened from disk may load a script and nothing else.
  function load(name) {
    if (!waiting.has(name)) {
      waiting.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `${root}data/${name}.js`;
        script.onload = () => resolve(found.get(name));
        script.onerror = () => reject(new Error(name));
        document.head.append(script);
      }));
    }
    return waiting.get(name);
  }

  const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();

  // Chart colours must be plain ones: the page's are of two schemes, so a browser is asked what they come to.
  function plain(name, alpha = 1) {
    const probe = document.createElement("i");
    probe.style.color = colour(name);
    document.body.append(probe);
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
    probe.remove();
    return `rgba(${r}, ${g}, ${b}, ${alpha})`;
  }

  function number(value, decimals, least = decimals) {
    const options = { minimumFractionDigits: least, maximumFractionDigits: decimals };
    return value.toLocaleString(language === "zh" ? "zh-CN" : "en-US", options).replace("-", "−");
  }

  function short(value) {
    const size = Math.abs(value);
    for (const [start, divisor, name] of language === "zh"
      ? [[1e8, 1e8, " 亿"], [1e6, 1e4, " 万"]]
      : [[1e9, 1e9, " bn"], [1e6, 1e6, " m"]]) {
      if (size >= start) return number(value / divisor, size / divisor >= 100 ? 0 : 1, 0) + name;
    }
    return number(value, size >= 1000 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4, 0);
  }

  function element(tag, attributes = {}, ...content) {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...content);
    return made;
  }

  // Observations up to a day that the board of that day knew, with an empty point where the line breaks.
  function known(series, until) {
    const last = Date.parse(until);
    return series.dates.flatMap((date, at) => {
      const seen = Date.parse(date) + series.after[at] * 864e5;
      return seen <= last ? [{ time: date, value: series.values[at] }] : [];
    });
  }

  // The library joins what is beside a gap, so the piece that would bridge it is drawn in no colour.
  function line(points) {
    let broken = false;
    return points.flatMap(({ time, value }) => {
      if (value === null || value === undefined) { broken = true; return []; }
      const point = broken ? { time, value, color: "rgba(0,0,0,0)" } : { time, value };
      broken = false;
      return [point];
    });
  }

  async function draw(figure) {
    const until = figure.dataset.until;
    const names = (figure.dataset.signals || "").split(" ").filter(Boolean);
    const [days, ...series] = await Promise.all(["days", ...names].map(load));
    const end = days.dates.indexOf(until) + 1 || days.dates.length;
    const dates = days.dates.slice(0, end);
    const shown = figure.dataset.chart === "price" ? prices(days, end) : signals(names, series, until);
    if (!shown.some((each) => each.points.length)) return;

    const plot = element("div", { class: "plot", tabindex: "0", role: "group", "aria-label": TEXT.help });
    const legend = element("p", { class: "legend", "aria-live": "polite" });
    figure.querySelector("figcaption").after(legend, plot);
    const chart = LightweightCharts.createChart(plot, options());
    background(chart, days, end);
    shown.forEach((each) => { each.series = chart.addLineSeries(each.style()); each.series.setData(line(each.points)); });
    shown.forEach((each) => { each.at = new Map(each.points.map((point) => [point.time, point.value])); });

    function say(day) {
      const last = (each) => each.points.filter((point) => point.value !== null && point.time <= (day || until)).at(-1);
      const values = shown.map((each) => {
        const exact = day ? each.at.get(day) : undefined;
        const point = day ? (exact == null ? null : { time: day, value: exact }) : last(each);
        const text = point ? `${each.format(point.value)}${day || point.time === until ? "" : ` (${point.time})`}` : TEXT.nothing;
        return [element("span", {}, `${each.name} `), element("b", {}, text)];
      });
      legend.replaceChildren(element("b", {}, day || until), " · ", ...values.flatMap((pair, at) => (at ? [" · ", ...pair] : pair)));
    }
    say();
    const text = (time) => (typeof time === "string" ? time : time && `${time.year}-${String(time.month).padStart(2, "0")}-${String(time.day).padStart(2, "0")}`);
    chart.subscribeCrosshairMove((event) => say(event.time && text(event.time)));

    const scale = chart.timeScale();
    const buttons = [...RANGES.map((count, at) => [TEXT.months[at], count]), [TEXT.all, dates.length]]
      .filter(([, count], at, all) => at === all.length - 1 || count < dates.length)
      .map(([name, count]) => {
        const button = element("button", { type: "button", "aria-pressed": "false" }, name);
        button.addEventListener("click", () => range(count, button));
        return [count, button];
      });
    function range(count, pressed) {
      scale.setVisibleLogicalRange({ from: dates.length - count - 0.5, to: dates.length + 0.5 });
      buttons.forEach(([, button]) => button.setAttribute("aria-pressed", String(button === pressed)));
    }
    const table = element("button", { type: "button", "aria-expanded": "false" }, TEXT.table);
    table.addEventListener("click", () => toggle(figure, table, shown));
    const picture = element("button", { type: "button" }, TEXT.png);
    picture.addEventListener("click", () => save(chart, figure, until));
    plot.after(element("div", { class: "tools" }, ...buttons.map(([, button]) => button), table, picture));
    const [count, pressed] = figure.dataset.range === "all" || figure.hasAttribute("data-tall")
      ? buttons.at(-1)
      : buttons.find(([count]) => count === 182) || buttons.at(-1);
    range(count, pressed);
    keys(plot, chart, shown, dates, say);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      chart.applyOptions(options());
      shown.forEach((each) => each.series.applyOptions(each.style()));
    });
  }

  function options() {
    return {
      autoSize: true,
      layout: { background: { color: "transparent" }, textColor: plain("fine"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
      grid: { vertLines: { visible: false }, horzLines: { color: plain("rule") } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.06 } },
      timeScale: { borderColor: plain("rule"), fixLeftEdge: true, fixRightEdge: true, minBarSpacing: 0.05 },
      crosshair: { mode: 0, vertLine: { labelVisible: true }, horzLine: { visible: false, labelVisible: false } },
      localization: { locale: language === "zh" ? "zh-CN" : "en-GB", dateFormat: "yyyy-MM-dd", priceFormatter: short },
      // The wheel and a finger moving up or down belong to the page.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
    };
  }

  function prices(days, end) {
    const of = (name) => days.dates.slice(0, end).map((time, at) => ({ time, value: days[name][at] }));
    const money = (value) => (language === "zh" ? `${number(value, 0)} 美元` : `USD ${number(value, 0)}`);
    const common = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3 };
    const names = language === "zh" ? ["收盘价", "关键价位", "区间下沿", "区间上沿"] : ["Close", "Level", "Cluster, low", "Cluster, high"];
    return [
      { name: names[0], points: of("btc_close_usd"), format: money, style: () => ({ ...common, color: plain("ink"), lineWidth: 2, lastValueVisible: true }) },
      { name: names[1], points: of("level_usd"), format: money, style: () => ({ ...common, color: plain("level"), lineWidth: 2, lineStyle: 2, lineType: 1 }) },
      { name: names[2], points: of("cluster_low_usd"), format: money, style: () => ({ ...common, color: plain("cluster"), lineWidth: 1, lineStyle: 1, lineType: 1 }) },
      { name: names[3], points: of("cluster_high_usd"), format: money, style: () => ({ ...common, color: plain("cluster"), lineWidth: 1, lineStyle: 1, lineType: 1 }) },
    ].filter((each) => each.points.some((point) => point.value !== null));
  }

  function signals(names, series, until) {
    return series.map((each, at) => ({
      name: each.name[language],
      points: known(each, until),
      format: (value) => `${Math.abs(value) >= 1e6 ? short(value) : number(value, each.decimals ?? 2)}${each.unit && each.unit !== "ratio" && each.unit !== "count" ? ` ${each.unit}` : ""}`,
      // Signals of different units share the time, each with an axis of its own.
      style: () => ({
        color: plain(at ? "level" : "accent"), lineWidth: 2, lineStyle: at ? 2 : 0, priceScaleId: at ? "left" : "right",
        priceLineVisible: false, lastValueVisible: at === 0, crosshairMarkerRadius: 3,
      }),
    }));
  }

  // Regimes as bands behind the lines; they also give the time axis every day, so that a gap keeps its width.
  function background(chart, days, end) {
    const bands = chart.addAreaSeries({
      priceScaleId: "regimes", lineType: 1, lineVisible: false, crosshairMarkerVisible: false,
      priceLineVisible: false, lastValueVisible: false, autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 1 } }),
    });
    chart.priceScale("regimes").applyOptions({ visible: false, scaleMargins: { top: 0, bottom: 0 } });
    const colours = new Map();
    bands.setData(days.dates.slice(0, end).map((time, at) => {
      const regime = days.regime[at].replaceAll("_", "-");
      if (!colours.has(regime)) colours.set(regime, plain(regime, 0.16));
      const shade = colours.get(regime);
      return { time, value: 1, topColor: shade, bottomColor: shade };
    }));
  }

  function keys(plot, chart, shown, dates, say) {
    let at = dates.length - 1;
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -dates.length, End: dates.length }[event.key];
      const zoom = { "+": 0.7, "=": 0.7, "-": 1 / 0.7 }[event.key];
      if (step) {
        at = Math.min(Math.max(at + step, 0), dates.length - 1);
        const day = dates[at];
        const value = shown[0].at.get(day);
        if (value == null) chart.clearCrosshairPosition(); else chart.setCrosshairPosition(value, day, shown[0].series);
        say(day);
      } else if (zoom) {
        const scale = chart.timeScale();
        const { from, to } = scale.getVisibleLogicalRange();
        scale.setVisibleLogicalRange({ from: to - (to - from) * zoom, to });
      } else return;
      event.preventDefault();
    });
    plot.addEventListener("blur", () => { chart.clearCrosshairPosition(); say(); });
  }

  function toggle(figure, button, shown) {
    const open = figure.querySelector(".scroll");
    button.setAttribute("aria-expanded", String(!open));
    if (open) { open.remove(); return; }
    const days = [...new Set(shown.flatMap((each) => each.points.filter((point) => point.value != null).map((point) => point.time)))].sort().reverse();
    const rows = days.slice(0, ROWS_OF_TABLE).map((day) => element("tr", {}, element("th", { scope: "row" }, day),
      ...shown.map((each) => element("td", {}, each.at.get(day) == null ? "" : each.format(each.at.get(day))))));
    const heads = [TEXT.date, ...shown.map((each) => each.name)].map((name) => element("th", { scope: "col" }, name));
    const table = element("table", { class: "figures" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
    const box = element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": TEXT.table, style: "max-height: 22rem" }, table);
    figure.querySelector(".tools").after(box);
  }

  function save(chart, figure, until) {
    const link = element("a", { download: `leadline-${figure.dataset.signals?.split(" ")[0] || "price"}-${until}.png`, href: chart.takeScreenshot().toDataURL("image/png") });
    link.click();
  }

  function late() {
    const notice = document.querySelector(".late");
    const due = Date.parse(document.body.dataset.due || "");
    if (!notice || !(Date.now() > due)) return;
    notice.textContent = notice.textContent.replace("{days}", String(Math.ceil((Date.now() - due) / 864e5)));
    notice.hidden = false;
  }

  async function compare() {
    const form = document.querySelector("form.compare");
    if (!form) return;
    const days = await load("days");
    const asked = new URLSearchParams(location.search);
    const last = days.dates.at(-1);
    form.elements.a.value = asked.get("a") || days.dates.at(-8) || days.dates[0];
    form.elements.b.value = asked.get("b") || last;
    for (const side of ["a", "b"]) Object.assign(form.elements[side], { min: days.dates[0], max: last });
    form.hidden = false;
    const table = document.querySelector(".comparison");
    const said = (row, day) => {
      const { row: kind, at } = row.dataset;
      if (day < 0) return TEXT.nothing;
      if (kind === "regime") return days.names.regimes[days.regime[day]][language];
      if (kind === "bucket") return days.names.states[days.buckets[day][at]][language];
      if (kind === "condition") return days.names.truth[days.conditions[day][at]][language];
      return days[kind][day] === null ? "–" : number(days[kind][day], 0);
    };
    const show = () => {
      const chosen = ["a", "b"].map((side) => form.elements[side].value);
      const found = chosen.map((day) => days.dates.indexOf(day));
      chosen.forEach((day, side) => {
        const head = table.querySelector(`[data-side=${"ab"[side]}]`);
        const name = `${root}${language === "en" ? "" : `${language}/`}${day}/index.html`;
        head.replaceChildren(found[side] < 0 ? day : element("a", { href: name }, day));
      });
      table.querySelectorAll("[data-row]").forEach((row) => {
        const texts = found.map((day) => said(row, day));
        row.querySelectorAll("td").forEach((cell) => cell.remove());
        row.append(...texts.map((text) => element("td", {}, text)));
        row.classList.toggle("differs", texts[0] !== texts[1]);
      });
      table.hidden = false;
      history.replaceState(null, "", `?a=${chosen[0]}&b=${chosen[1]}`);
    };
    form.addEventListener("change", show);
    show();
  }

  // The first page without a language in its address is in the language of the browser, once.
  function choose() {
    const link = document.querySelector(".switch a:not([aria-current])");
    document.querySelectorAll(".switch a").forEach((each) => each.addEventListener("click", () => remember(each.lang)));
    if (document.body.hasAttribute("data-first") && !remembered() && navigator.language.startsWith("zh") && language === "en") {
      location.replace(link.href);
    }
  }
  function remembered() { try { return localStorage.getItem("leadline-language"); } catch { return "en"; } }
  function remember(chosen) { try { localStorage.setItem("leadline-language", chosen); } catch { /* a page from disk may have no storage */ } }

  function begin() {
    choose();
    late();
    compare();
    const seen = new IntersectionObserver((entries) => entries.filter((each) => each.isIntersecting).forEach((each) => {
      seen.unobserve(each.target);
      draw(each.target).catch(() => {});  // the files below the chart stand in for it
    }), { rootMargin: "200px" });
    document.querySelectorAll("figure.live").forEach((figure) => seen.observe(figure));
  }

  return { data: (name, content) => found.set(name, content), begin };
})();

leadline.begin();
