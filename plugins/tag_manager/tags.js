const layer = (window.dataLayer = window.dataLayer || []);
const say = function () {
  layer.push(arguments); // it reads the arguments object itself, and no list
};
const has = (purpose) => (site.granted.includes(purpose) ? 'granted' : 'denied');
const all = ['ad_storage', 'ad_user_data', 'ad_personalization', 'analytics_storage', 'functionality_storage', 'personalization_storage', 'security_storage'];
say('consent', 'default', Object.fromEntries(all.map((name) => [name, 'denied'])));
say('consent', 'update', {
  analytics_storage: has('statistics'),
  ad_storage: has('marketing'),
  ad_user_data: has('marketing'),
  ad_personalization: has('marketing'),
});
layer.push({ 'gtm.start': Date.now(), event: 'gtm.js' });
site.load(`https://www.googletagmanager.com/gtm.js?id=${config.container}`);
for (const name of ['lead', 'booking']) site.on(name, () => layer.push({ event: `webchatagent_${name}` }));
