// Dirty pages of each pass on a log scale, drawn anew whenever the rows change: a frame that is lost heals itself.
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 72, right: 140, top: 20, bottom: 46 };
const HEIGHT = 260;
const LOWEST = 0.5; // where 0 is drawn: a log scale has none

function node(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function star(x, y, size) {
  const points = Array.from({ length: 10 }, (_, i) => {
    const reach = i % 2 ? size * 0.42 : size;
    const angle = (Math.PI * i) / 5 - Math.PI / 2;
    return `${x + reach * Math.cos(angle)},${y + reach * Math.sin(angle)}`;
  });
  return node("polygon", { class: "paused", points: points.join(" ") });
}

function shortly(count) {
  if (count >= 1e6) return `${count / 1e6}M`;
  return count >= 1e3 ? `${count / 1e3}k` : `${count}`;
}

function scales(rows, thresholds, width) {
  const drawn = rows.map((row) => Math.max(row[1], LOWEST)).concat(thresholds.filter(Boolean));
  const top = Math.ceil(Math.log10(Math.max(100, ...drawn) * 1.01));
  const low = Math.floor(Math.log10(Math.min(10, ...drawn)));
  const last = Math.max(5, ...rows.map((row) => row[0]));
  const across = width - MARGIN.left - MARGIN.right;
  const down = HEIGHT - MARGIN.top - MARGIN.bottom;
  return {
    top, low, last,
    x: (iteration) => MARGIN.left + (across * (iteration + 0.25)) / (last + 0.5),
    y: (pages) => MARGIN.top + (down * (top - Math.log10(Math.max(pages, LOWEST)))) / (top - low),
  };
}

function axes(svg, scale, width) {
  for (let power = scale.low; power <= scale.top; power++) {
    const y = scale.y(10 ** power);
    svg.append(node("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }));
    const label = power < 0 ? "0" : shortly(10 ** power);
    svg.append(node("text", { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, label));
  }
  const step = Math.ceil((scale.last + 1) / 14);
  for (let i = 0; i <= scale.last; i += step) {
    svg.append(node("text", { x: scale.x(i), y: HEIGHT - 26, "text-anchor": "middle" }, i));
  }
  svg.append(node("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "iteration, from 0"));
  const middle = HEIGHT / 2 - 12;
  const upright = { x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` };
  svg.append(node("text", upright, "dirty pages, log scale"));
}

function line(svg, scale, threshold, width, kind, name) {
  const y = scale.y(threshold);
  svg.append(node("line", { class: kind, x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }));
  svg.append(node("text", { x: width - MARGIN.right + 6, y: y + 4 }, `${name} ${threshold.toLocaleString("en")}`));
}

function passes(svg, scale, rows) {
  const live = rows.filter((row) => !row[2]);
  svg.append(node("polyline", { class: "live", points: live.map((row) => `${scale.x(row[0])},${scale.y(row[1])}`).join(" ") }));
  for (const [iteration, pages, paused] of rows) {
    const x = scale.x(iteration), y = scale.y(pages);
    const mark = paused ? star(x, y, 8) : node("circle", { class: "pass", cx: x, cy: y, r: 4 });
    mark.append(node("title", {}, `pass ${iteration}: ${pages.toLocaleString("en")} dirty pages${paused ? ", guest paused" : ""}`));
    svg.append(mark);
  }
}

function spoken(rows) {
  if (!rows.length) return "Dirty pages of each pass: no pass has ended yet.";
  const [iteration, pages, paused] = rows.at(-1);
  const how = paused ? " sent while the guest was paused" : "";
  return `Dirty pages of each pass. Pass ${iteration}: ${pages.toLocaleString("en")} pages${how}.`;
}

function render({ model, el }) {
  const svg = node("svg", { class: "xlkit-chart", role: "img" });
  el.append(svg);
  function draw() {
    const rows = model.get("rows"), width = Math.max(320, el.clientWidth || 640);
    const threshold = model.get("min_remaining"), proposed = model.get("proposed");
    const scale = scales(rows, [threshold, proposed], width);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.setAttribute("height", HEIGHT);
    svg.setAttribute("aria-label", spoken(rows));
    axes(svg, scale, width);
    if (threshold) line(svg, scale, threshold, width, "threshold", "min_remaining");
    if (proposed) line(svg, scale, proposed, width, "proposed", "not applied");
    passes(svg, scale, rows);
  }
  const resized = new ResizeObserver(draw);
  model.on("change:rows", draw);
  model.on("change:min_remaining", draw);
  model.on("change:proposed", draw);
  resized.observe(el);
  draw();
  return () => {
    resized.disconnect();
    model.off("change:rows", draw);
    model.off("change:min_remaining", draw);
    model.off("change:proposed", draw);
  };
}

export default { render };
