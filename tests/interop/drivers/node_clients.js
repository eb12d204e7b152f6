// Reads setups of Node.js clients as php_memcached.php does, and answers in the same way. The
// packages are looked for in NODE_PATH.
'use strict';
const readline = require('readline');
const Memcached = require('memcached');
const HashRing = require('hashring');
const memjs = require('memjs');

const text = (key) => Buffer.from(key, 'hex').toString();
const named = (servers) => servers.map(([host, port]) => `${host}:${port}`);
const weighted = (servers) =>
  Object.fromEntries(servers.map(([host, port, weight]) => [`${host}:${port}`, weight]));
// A list or an object: one of the two ways to name servers, weights need the second.
const nodes = (servers) =>
  servers.every(([, , weight]) => weight === 1) ? named(servers) : weighted(servers);

const clients = {
  'node-memcached'({ servers, options, keys }) {
    const client = new Memcached(nodes(servers), Object.fromEntries(options));
    let owner = null;
    client.connect = (server) => { owner = server; };  // where it is about to send the key
    return keys.map((key) => {
      owner = null;
      client.get(text(key), () => {});
      // It refuses keys with blanks, of which Unicode has more than ASCII.
      return owner ?? client.HashRing.get(client.namespace + text(key));
    });
  },
  'node-hashring'({ servers, options, keys }) {
    const { algorithm, ...settings } = Object.fromEntries(options.map(([name, value]) =>
      [name, /^\d+$/.test(value) ? Number(value) : value]));
    const ring = new HashRing(nodes(servers), algorithm, settings);
    return keys.map((key) => ring.get(text(key)));
  },
  'memjs'({ servers, keys }) {
    const client = memjs.Client.create(named(servers).join(','));
    return keys.map((key) => {
      const server = client.server(text(key));
      return `${server.host}:${server.port}`;
    });
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const setup = JSON.parse(line);
  console.log(JSON.stringify(clients[setup.client](setup)));
});
