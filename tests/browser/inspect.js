// What the widget drew: the elements inside texts, attributes that could run something, and elements that load something.
() => {
  const root = document.querySelector('webchatagent-widget').shadowRoot;
  const names = new Set();
  const bad = [];
  for (const el of root.querySelectorAll('.text *, .greeting *, .excerpt *, .source *')) names.add(el.localName);
  for (const el of root.querySelectorAll('*')) {
    for (const { name, value } of el.attributes) {
      const ours = name === 'style' && el.matches('.frame, .l, textarea');
      if (/^on|^style$|^srcdoc$|^src$|^formaction$/i.test(name) && !ours) bad.push(`${el.localName} ${name}`);
      if (name === 'href' && !/^(https?:\/\/|mailto:|tel:)/.test(value)) bad.push(value);
    }
  }
  const loading = 'script, iframe, object, embed, img, style, link, base, form form';
  return { names: [...names], bad, loading: root.querySelectorAll(loading).length };
}
