// Texts of the panel whose colour is too near to the ground behind them (WCAG 1.4.3).
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const poor = [];
  const root = document.querySelector('webchatagent-widget').shadowRoot;
  for (const el of root.querySelectorAll('.frame *')) {
    const text = [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !el.getClientRects().length || el.closest('.sr')) continue;
    let ground = el;
    while (parse(getComputedStyle(ground).backgroundColor)[3] < 255 && ground.parentElement) ground = ground.parentElement;
    const pair = [getComputedStyle(el).color, getComputedStyle(ground).backgroundColor].map((c) => light(parse(c)) + 0.05);
    const ratio = Math.max(...pair) / Math.min(...pair);
    if (ratio < 4.5) poor.push(`${el.localName}.${el.className} ${ratio.toFixed(2)}`);
  }
  return poor;
}
