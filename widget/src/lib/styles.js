/**
 * Adopts a style sheet without a <style> element, so a page's `style-src` policy does not stop the widget.
 * @param {ShadowRoot} root
 * @param {string} css
 */
export function adopt(root, css) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  } catch {
    // Browsers before 2023 cannot construct sheets.
    const style = document.createElement('style');
    style.textContent = css;
    root.append(style);
  }
}
