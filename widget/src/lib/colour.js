/** Keeps a tenant's accent colour readable: WCAG contrast is computed, never hoped for. */

export const DEFAULT_ACCENT = '#1d5bd8';

/**
 * `#rgb` or `#rrggbb` as `#rrggbb`, or the default: only a colour may enter the styles.
 * @param {unknown} value
 */
export function hex(value) {
  const text = `${value}`;
  if (!/^#([0-9a-f]{3}){1,2}$/i.test(text)) return DEFAULT_ACCENT;
  return text.length > 4 ? text : text.replace(/\w/g, '$&$&');
}

/** @param {string} colour `#rrggbb` */
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** @param {string} colour */
function luminance(colour) {
  const [r = 0, g = 0, b = 0] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * @param {string} one
 * @param {string} other
 */
export function contrast(one, other) {
  const a = luminance(one) + 0.05;
  const b = luminance(other) + 0.05;
  return a > b ? a / b : b / a;
}

/**
 * White or black, whichever reads on the colour (4.5:1 at least). The short formula is near enough at the one point
 * where the choice turns, and the loader has no room for the long one; the tests compare the two.
 * @param {string} colour
 */
export const inkOn = (colour) => {
  const bits = parseInt(colour.slice(1), 16);
  return (bits >> 16) ** 2.2 * 0.2126 + ((bits >> 8) & 255) ** 2.2 * 0.7152 + (bits & 255) ** 2.2 * 0.0722 < 35200 ? '#ffffff' : '#000000';
};

/**
 * The colour, moved towards black or white until text in it reads on the ground, also where the ground carries a
 * tint of the colour itself (4.5:1 then).
 * @param {string} colour
 * @param {string} ground
 */
export function readable(colour, ground) {
  const target = luminance(ground) > 0.4 ? 0 : 255;
  let mixed = colour;
  for (let step = 1; step <= 10 && contrast(mixed, ground) < 5.7; step++) {
    mixed = `#${channels(colour)
      .map((part) => Math.round(part + ((target - part) * step) / 10).toString(16).padStart(2, '0'))
      .join('')}`;
  }
  return mixed;
}
