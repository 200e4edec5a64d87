/**
 * Builds the widget: `node scripts/build.mjs [output folder]`.
 * The loader keeps its name because pages link to it; the panel carries its content hash, so it may be cached for ever.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const out = resolve(process.argv[2] ?? join(root, 'dist'));

/** Style sheets become minified strings: they are adopted by the shadow root, never written as markup. */
const styles = {
  name: 'styles-as-text',
  setup(/** @type {import('esbuild').PluginBuild} */ host) {
    host.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, target: 'safari15' });
      return { contents: code.trim(), loader: 'text' };
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  write: false,
  target: ['es2021', 'safari15'],
  legalComments: 'none',
  outdir: 'dist',
  plugins: [styles],
};

/** @param {Partial<import('esbuild').BuildOptions>} options */
async function bundle(options) {
  const result = await build({ ...common, ...options });
  return Buffer.from(/** @type {any} */ (result.outputFiles)[0].contents);
}

const panel = await bundle({ entryPoints: ['src/panel/main.js'], format: 'esm', charset: 'utf8', banner: { js: '/*! WebChatAgent widget | Apache-2.0 */' } });
const panelName = `panel.${createHash('sha256').update(panel).digest('hex').slice(0, 12)}.js`;
const loader = await bundle({
  entryPoints: ['src/loader/main.js'],
  format: 'iife',
  charset: 'utf8',
  define: { PANEL_FILE: JSON.stringify(panelName) },
});

await mkdir(out, { recursive: true });
for (const name of await readdir(out)) {
  if (/^panel\.[0-9a-f]+\.js$/.test(name) && name !== panelName) await rm(join(out, name));
}
/** @type {Record<string, {bytes: number, integrity: string}>} */
const files = {};
for (const [name, bytes] of /** @type {[string, Buffer][]} */ ([['loader.js', loader], [panelName, panel]])) {
  await writeFile(join(out, name), bytes);
  files[name] = { bytes: bytes.length, integrity: `sha384-${createHash('sha384').update(bytes).digest('base64')}` };
  console.log(`${name}  ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip`);
}
const manifest = { loader: 'loader.js', panel: panelName, files };
await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
