/** Which addresses may become links. */

const CONTROL = /[\u0000-\u0020\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g;

/**
 * The normalised address, or null when it must stay text. User names in addresses are refused because they imitate hosts.
 * @param {string} address
 */
export function safeUrl(address) {
  const text = address.replace(CONTROL, '');
  if (!/^(https?:\/\/|mailto:|tel:)/i.test(text)) return null;
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol) && (!url.hostname || url.username || url.password)) return null;
    return url.href;
  } catch {
    return null;
  }
}

/**
 * The host to show beside a link whose text looks like an address of somewhere else.
 * @param {string} label
 * @param {string} href
 */
export function hostHint(label, href) {
  if (!/^http/.test(href) || !/[^\s.]\.[^\s.]{2,}/.test(label)) return null;
  const { host } = new URL(href);
  return label.replace(CONTROL, '').toLowerCase().replace(/^https?:\/\//, '').split(/[/?#\s]/)[0] === host ? null : host;
}

/**
 * Refuses to talk without encryption, except on this machine and on a page that the platform itself serves unencrypted.
 * @param {URL} base
 * @param {Location | URL} page
 */
export const secureEnough = (base, page) =>
  base.protocol === 'https:' || base.origin === page.origin || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(base.hostname);
