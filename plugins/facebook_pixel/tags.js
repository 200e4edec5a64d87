const fbq = (window.fbq = window._fbq = function () {
  fbq.callMethod ? fbq.callMethod.apply(fbq, arguments) : fbq.queue.push(arguments);
});
Object.assign(fbq, { push: fbq, loaded: true, version: '2.0', queue: [] });
fbq('set', 'autoConfig', false, config.pixel); // it would read forms and buttons of the page by itself
fbq('init', config.pixel);
fbq('track', 'PageView');
site.load('https://connect.facebook.net/en_US/fbevents.js');
site.on('lead', () => fbq('track', 'Lead'));
site.on('booking', () => fbq('track', 'Schedule'));
