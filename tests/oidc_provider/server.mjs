// Copyright (c) 2026 apiops.access contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Runs oidc-provider for the integration tests: configures it, ends TLS, injures exchanges on demand, and has a
// control API out of band. What OAuth says is oidc-provider's own. See README.md.
//
//     node server.mjs CONFIG.json
//
// It prints one line of JSON with its ports when it is ready, and ends when its standard input does.

import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';

import { jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

const SCOPES = ['read', 'write', 'admin'];
const RESOURCES = {
  'https://api.example.test/opaque': { accessTokenFormat: 'opaque', scope: SCOPES.join(' ') },
  'https://api.example.test/jwt': { accessTokenFormat: 'jwt', scope: SCOPES.join(' ') },
};
const MOUNT = '/tenant';
const DISCOVERY = {
  [`${MOUNT}/.well-known/openid-configuration`]: 'openid',
  [`${MOUNT}/.well-known/oauth-authorization-server`]: 'oauth',
  [`/.well-known/oauth-authorization-server${MOUNT}`]: 'oauth_inserted',
};
const WELL_KNOWN = {
  both: ['openid', 'oauth_inserted'],
  openid: ['openid'],
  oauth: ['oauth'],
  oauth_inserted: ['oauth_inserted'],
  none: [],
};
const ACTIONS = ['drop_before', 'drop_after', 'hold_after', 'answer'];
const DEFAULTS = {
  rotate_registration_access_token: true,
  issue_registration_access_token: true,
  rotate_secret_on_update: false,
  introspection_allowed: true,
  well_known: 'both',
  metadata: {},
  secret_characters: '',
  token_ttl: 600,
};

// What the tests see and change. `issued` outlives a reset: leaks are looked for of everything since the start.

const stored = new Map();
const held = new Set();
const issued = { secrets: new Set([config.control_secret]), tokens: new Set(), assertions: new Set() };
let settings = { ...DEFAULTS };
let faults = [];
let requests = {};

const realNow = Date.now;
let offset = 0;
Date.now = () => realNow() + offset * 1000;

function reset() {
  stored.clear();
  settings = { ...DEFAULTS };
  faults = [];
  requests = {};
  offset = 0;
  for (const exchange of held) exchange.drop();
}

class Adapter {
  constructor(model) {
    this.model = model;
  }

  get rows() {
    if (!stored.has(this.model)) stored.set(this.model, new Map());
    return stored.get(this.model);
  }

  // As JSON, so that nobody shares an object with the store. What is out of date, oidc-provider sees itself.
  async upsert(id, payload) {
    this.rows.set(id, JSON.stringify(payload));
  }

  async find(id) {
    return this.rows.has(id) ? JSON.parse(this.rows.get(id)) : undefined;
  }

  async destroy(id) {
    this.rows.delete(id);
  }
}

function rows(model) {
  return [...(stored.get(model)?.values() ?? [])].map((row) => JSON.parse(row));
}

// oidc-provider

function newSecret() {
  const random = () => crypto.randomBytes(24).toString('base64url');
  return random() + settings.secret_characters + random();
}

const peerCertificate = (ctx) => ctx.socket.getPeerX509Certificate();

function certificateSubjectMatches(ctx, property, expected) {
  // Node has one part a line, in the certificate's order; RFC 4514 wants the reverse.
  const name = peerCertificate(ctx).subject.split('\n').reverse().join(',');
  return property === 'tls_client_auth_subject_dn' && name === expected;
}

// The policy of every initial access token that is made here, and of the registration access tokens that follow.
function rotateSecretOnUpdate(ctx, properties) {
  const updated = ctx.oidc.route === 'client_update' && !('client_secret' in ctx.oidc.body);
  if (settings.rotate_secret_on_update && updated && properties.client_secret) {
    properties.client_secret = newSecret();
    properties.client_secret_expires_at = 0;
  }
}

function makeProvider(issuer, mtlsIssuer, signingKey) {
  const provider = new Provider(issuer, {
    adapter: Adapter,
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
      'tls_client_auth', 'self_signed_tls_client_auth',
    ],
    cookies: { keys: config.cookie_keys },
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: `${mtlsIssuer}/token`,
        introspection_endpoint: `${mtlsIssuer}/token/introspection`,
        revocation_endpoint: `${mtlsIssuer}/token/revocation`,
      },
    },
    enabledJWA: {
      clientAuthSigningAlgValues: [
        'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
        'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
      ],
    },
    extraClientMetadata: { properties: ['cost_center'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => settings.introspection_allowed },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: peerCertificate,
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches,
      },
      registration: {
        enabled: true,
        initialAccessToken: true,
        issueRegistrationAccessToken: () => settings.issue_registration_access_token,
        policies: { rotate_secret_on_update: rotateSecretOnUpdate },
        secretFactory: newSecret,
      },
      registrationManagement: {
        enabled: true,
        rotateRegistrationAccessToken: () => settings.rotate_registration_access_token,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, indicator) => {
          if (!Object.hasOwn(RESOURCES, indicator)) throw new errors.InvalidTarget();
          return RESOURCES[indicator];
        },
      },
      revocation: { enabled: true },
    },
    jwks: { keys: [signingKey] },
    scopes: SCOPES,
    ttl: { ClientCredentials: () => settings.token_ttl },
  });

  provider.use(async (ctx, next) => {
    await next();
    remember(ctx);
    if (ctx.oidc?.route === 'discovery') {
      for (const [name, value] of Object.entries(settings.metadata)) {
        if (value === null) delete ctx.body[name];
        else ctx.body[name] = value;
      }
    }
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  return provider;
}

function remember(ctx) {
  const body = ctx.body && typeof ctx.body === 'object' ? ctx.body : {};
  const found = [
    [issued.secrets, body.client_secret],
    [issued.secrets, body.registration_access_token],
    [issued.tokens, body.access_token],
    [issued.assertions, ctx.oidc?.params?.client_assertion],
  ];
  for (const [set, value] of found) if (typeof value === 'string') set.add(value);
}

// The resource that tokens are for

async function findToken(provider, publicKey, value) {
  const token = await provider.ClientCredentials.find(value);
  if (token) {
    return token.isValid && { client: token.clientId, scope: token.scope, thumbprint: token['x5t#S256'] };
  }
  try {
    const { payload } = await jwtVerify(value, publicKey, {
      audience: 'https://api.example.test/jwt',
      currentDate: new Date(Date.now()),
      issuer: provider.issuer,
      typ: 'at+jwt',
    });
    return { client: payload.client_id, scope: payload.scope, thumbprint: payload.cnf?.['x5t#S256'] };
  } catch {
    return undefined;
  }
}

async function serveResource(provider, publicKey, request, response) {
  const [, value] = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  const token = value && await findToken(provider, publicKey, value);
  const certificate = request.socket.getPeerX509Certificate();
  const thumbprint = certificate && crypto.createHash('sha256').update(certificate.raw).digest('base64url');
  if (token && (token.thumbprint === undefined || token.thumbprint === thumbprint)) {
    answer(response, 200, { client_id: token.client, scope: token.scope });
  } else {
    const problem = value ? ', error="invalid_token"' : '';
    answer(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': `Bearer realm="resource"${problem}` });
  }
}

// HTTP

function answer(response, status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
}

function takeFault(method, path) {
  const matching = faults.find(
    (fault) => (fault.method ?? method) === method && path.startsWith(fault.path) && fault.times > 0,
  );
  if (matching?.skip > 0) {
    matching.skip -= 1;
    return undefined;
  }
  if (matching) matching.times -= 1;
  return matching;
}

function hold(response) {
  response.end = (...content) => {
    const exchange = {
      drop: () => response.destroy(),
      release: () => http.ServerResponse.prototype.end.apply(response, content),
    };
    held.add(exchange);
    response.on('close', () => held.delete(exchange));
    return response;
  };
}

function receive(handle, request, response) {
  const path = request.url.split('?')[0];
  const counted = `${request.method} ${path.replace(new RegExp(`^(${MOUNT}/reg)/[^/]+$`), '$1/ID')}`;
  requests[counted] = (requests[counted] ?? 0) + 1;
  // Node's own would not follow the clock.
  response.setHeader('Date', new Date(Date.now()).toUTCString());

  const fault = takeFault(request.method, path);
  if (fault?.action === 'drop_before') {
    request.socket.destroy();
  } else if (fault?.action === 'answer') {
    request.resume();
    answer(response, fault.status ?? 500, fault.body ?? '', fault.headers);
  } else {
    if (fault?.action === 'drop_after') {
      response.end = () => {
        request.socket.destroy();
        return response;
      };
    } else if (fault?.action === 'hold_after') {
      hold(response);
    }
    handle(path, request, response);
  }
}

function router(provider, publicKey) {
  const callback = provider.callback();
  return (path, request, response) => {
    const discovery = DISCOVERY[path];
    if (discovery && !WELL_KNOWN[settings.well_known].includes(discovery)) {
      answer(response, 404, { error: 'not_found' });
    } else if (request.method === 'GET' && path === '/resource/me') {
      serveResource(provider, publicKey, request, response);
    } else if (discovery || path.startsWith(`${MOUNT}/`)) {
      // oidc-provider sees where it is mounted by the difference of these two.
      if (discovery === 'oauth_inserted') request.url = `${MOUNT}/.well-known/oauth-authorization-server`;
      request.originalUrl = request.url;
      request.url = request.url.slice(MOUNT.length);
      callback(request, response);
    } else {
      answer(response, 404, { error: 'not_found' });
    }
  };
}

// Control

function check(condition, message) {
  if (!condition) throw new RangeError(message);
}

function changeSettings(changes) {
  for (const [name, value] of Object.entries(changes)) {
    check(Object.hasOwn(DEFAULTS, name), `unknown setting: ${name}`);
    check(typeof value === typeof DEFAULTS[name], `wrong type: ${name}`);
  }
  const changed = { ...settings, ...changes };
  check(Object.hasOwn(WELL_KNOWN, changed.well_known), 'unknown well_known');
  check(/^[\x20-\x7e]*$/.test(changed.secret_characters), 'secret_characters are printable ASCII');
  settings = changed;
  return settings;
}

function addFault(fault) {
  check(ACTIONS.includes(fault.action), 'unknown action');
  check(typeof fault.path === 'string', 'path is missing');
  faults.push({ times: 1, skip: 0, ...fault });
  return {};
}

async function makeInitialAccessToken(provider, { policies = ['rotate_secret_on_update'] }) {
  const token = await new provider.InitialAccessToken(policies.length ? { policies } : {}).save();
  issued.secrets.add(token);
  return { token };
}

function state() {
  const now = Date.now() / 1000;
  return {
    requests,
    held: held.size,
    clients: rows('Client').map(({ client_secret: _secret, ...metadata }) => metadata),
    live_tokens: rows('ClientCredentials').filter((token) => token.exp > now).length,
    assertion_ids: rows('ReplayDetection').length,
  };
}

function controls(provider) {
  return {
    'POST /reset': () => { reset(); return {}; },
    'POST /initial_access_tokens': (document) => makeInitialAccessToken(provider, document),
    'POST /settings': changeSettings,
    'POST /faults': addFault,
    'POST /release': () => {
      const released = [...held];
      released.forEach((exchange) => exchange.release());
      return { released: released.length };
    },
    'POST /clock': (document) => {
      check(Number.isFinite(document.offset), 'offset is a number of seconds');
      offset = document.offset;
      return { offset };
    },
    'GET /state': state,
    'GET /secrets': () => Object.fromEntries(Object.entries(issued).map(([name, set]) => [name, [...set]])),
  };
}

async function control(actions, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const action = actions[`${request.method} ${request.url}`];
  if (request.headers.authorization !== `Bearer ${config.control_secret}`) {
    answer(response, 401, { error: 'the control secret is wrong' });
  } else if (!action) {
    answer(response, 404, { error: 'unknown call' });
  } else {
    try {
      answer(response, 200, await action(JSON.parse(Buffer.concat(chunks).toString() || '{}')));
    } catch (error) {
      answer(response, 400, { error: error.message });
    }
  }
}

// Start

async function listen(server, port) {
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return server.address().port;
}

const tls = { cert: fs.readFileSync(config.certificate), key: fs.readFileSync(config.key) };
const servers = {
  main: https.createServer(tls),
  mtls: https.createServer({
    ...tls,
    ca: fs.readFileSync(config.client_ca),
    requestCert: true,
    // So that a missing or self-signed certificate is oidc-provider's to judge.
    rejectUnauthorized: false,
  }),
  control: http.createServer(),
};
const [{ privateKey, publicKey }, port, mtlsPort, controlPort] = await Promise.all([
  promisify(crypto.generateKeyPair)('rsa', { modulusLength: 2048 }),
  listen(servers.main, config.port),
  listen(servers.mtls, config.mtls_port),
  listen(servers.control, config.control_port),
]);
const provider = makeProvider(`https://localhost:${port}${MOUNT}`, `https://localhost:${mtlsPort}${MOUNT}`, {
  ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: crypto.randomUUID(),
});
const handle = router(provider, publicKey);
const actions = controls(provider);
servers.main.on('request', (request, response) => receive(handle, request, response));
servers.mtls.on('request', (request, response) => receive(handle, request, response));
servers.control.on('request', (request, response) => control(actions, request, response));

process.stdin.on('end', () => process.exit()).on('error', () => process.exit()).resume();
console.log(JSON.stringify({ port, mtls_port: mtlsPort, control_port: controlPort }));
// oidc-provider tells by this which of its defaults are in use; its warnings go to standard error, and stay.
console.info = () => {};
