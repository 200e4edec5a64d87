// A real OpenID Connect provider on a free loopback port, whose people are whoever a request says they are.
//
// The header `X-Person` holds the claims of who sits at the browser as JSON, or `null` for somebody who says no.
import { createServer } from "node:http";
import { Provider, interactionPolicy } from "oidc-provider";

const [clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const people = new Map();
const CALENDAR = ["calendarlist.readonly", "freebusy", "events.owned", "settings.readonly"].map(
  (name) => `https://www.googleapis.com/auth/calendar.${name}`,
);
const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
    conformIdTokenClaims: false, // the ID token holds all claims, as Google's does
    pkce: { required: () => true },
    interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    scopes: ["openid", ...CALENDAR],
    issueRefreshToken: async (ctx, client, code) => code.scopes.has(CALENDAR[0]), // as access_type=offline does
    rotateRefreshToken: false, // Google's stay the same
    findAccount: (_, id) => ({ accountId: id, claims: () => people.get(id) }),
    loadExistingGrant: async (ctx) => {
      const grant = new provider.Grant({ clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(["openid email profile", ...CALENDAR].join(" "));
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    const person = JSON.parse(ctx.get("X-Person") || "null");
    if (person) people.set(person.sub, person);
    const result = person
      ? { login: { accountId: person.sub }, select_account: {}, consent: {} }
      : { error: "access_denied", error_description: "said no" };
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
