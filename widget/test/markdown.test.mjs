import assert from 'node:assert/strict';
import test from 'node:test';
import { document } from './dom.mjs';

const { draw, ALLOWED } = await import('../src/lib/markdown.js');
const { h } = await import('../src/lib/dom.js');

/** @param {string} text @param {number} [sources] */
function html(text, sources = 0) {
  const box = h('div');
  draw(box, text, { cite: (n) => (n <= sources ? h('sup', {}, String(n)) : null) });
  return box.innerHTML.replace(/ (title|target|rel|tabindex)="[^"]*"/g, '');
}

const CASES = [
  ['one\ntwo\n\nthree', '<p>one<br>two</p><p>three</p>'],
  ['**bold** and *it* and __b__ and _i_ and ~~x~~', '<p><strong>bold</strong> and <em>it</em> and <strong>b</strong> and <em>i</em> and <del>x</del></p>'],
  ['snake_case_name 2 * 3 * 4', '<p>snake_case_name 2 * 3 * 4</p>'],
  ['`a<b>` ``x`y``', '<p><code>a&lt;b&gt;</code> <code>x`y</code></p>'],
  ['# Big\n### Small', '<h3>Big</h3><h4>Small</h4>'],
  ['- a\n- b\n  - c\n\ntext', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><p>text</p>'],
  ['3. c\n4. d', '<ol start="3"><li>c</li><li>d</li></ol>'],
  ['```js\n<script>x</script>\n```', '<pre><code>&lt;script&gt;x&lt;/script&gt;</code></pre>'],
  ['| a | b |\n|---|---|\n| 1 | 2 |', '<div class="table"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>'],
  ['> quoted', '<blockquote>quoted</blockquote>'],
  ['[site](https://a.example/x_(y))', '<p><a href="https://a.example/x_(y)">site</a></p>'],
  ['see https://a.example/x. Then', '<p>see <a href="https://a.example/x">https://a.example/x</a>. Then</p>'],
  ['[x](javascript:alert(1))', '<p>[x](javascript:alert(1))</p>'],
  ['[x](//evil.example)', '<p>[x](//evil.example)</p>'],
  ['[bank.example](https://evil.example/)', '<p><a href="https://evil.example/">bank.example<span class="host"> (evil.example)</span></a></p>'],
  ['[x](https://good.example@evil.example/)', '<p>[x](https://good.example@evil.example/)</p>'],
  ['fact [1][2] and [3], [1, 2]', '<p>fact<sup>1</sup><sup>2</sup> and [3],<sup>1</sup><sup>2</sup></p>'],
  ['<img src=x onerror=alert(1)>', '<p>&lt;img src=x onerror=alert(1)&gt;</p>'],
  ['\\*no\\*', '<p>*no*</p>'],
];
for (const [text, expected] of CASES) test(`draws ${JSON.stringify(text)}`, () => assert.equal(html(text, 2), expected));

test('mail and phone links are allowed', () => {
  assert.match(html('<mailto:a@b.example> [call](tel:+49301234)'), /href="mailto:a@b.example".*href="tel:\+49301234"/);
});

test('a growing answer keeps finished blocks and never leaves the list of elements', () => {
  const text = '# T\n\n**bold** <svg onload=x> [a](https://x.example)\n\n1. one\n2. two `c`\n\n|a|b|\n|-|-|\n|1|2|\n|--|--|\nlast';
  const box = h('div');
  let first = null;
  for (let end = 1; end <= text.length; end++) {
    draw(box, text.slice(0, end), { cite: () => null });
    for (const el of box.querySelectorAll('*')) assert.ok(ALLOWED.includes(el.localName), el.localName);
    if (end > 20) first ??= box.firstElementChild;
  }
  assert.equal(box.firstElementChild, first);
});

test('hostile text stays fast', () => {
  const start = performance.now();
  for (const piece of ['**', '*a', '_', '[', '![', '[a](', '`', '<http://', '> ', '~~', '[[](', '- ', '|', '*a **b ']) html(piece.repeat(4000));
  assert.ok(performance.now() - start < 6000, `${performance.now() - start} ms`);
});

assert.ok(document);
